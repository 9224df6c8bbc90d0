//! Against a server that speaks gRPC on a socket, with a container and a pod as containerd tells of them.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Response};
use prost::Message as _;
use tokio::net::UnixListener;

use super::messages::{ContainerMetadata, Image, Listed, PodMetadata};
use super::*;

fn pair(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}

fn listed(id: &str) -> ListedContainers {
    let container = Listed {
        id: "c1".to_owned(),
        pod: "p1".to_owned(),
        metadata: Some(ContainerMetadata { name: "worker".to_owned() }),
        image: Some(Image { image: "sha256:1".to_owned(), as_written: "localhost/agent:1".to_owned() }),
        labels: pair("io.kubernetes.container.name", "worker"),
    };
    ListedContainers {
        containers: vec![container].into_iter().filter(|container| container.id == id).collect(),
    }
}

fn pods(id: &str) -> ListedPodSandboxes {
    let pod = Pod {
        id: "p1".to_owned(),
        metadata: Some(PodMetadata { name: "claude-0".to_owned(), namespace: "agents".to_owned() }),
        labels: pair("app", "claude"),
        annotations: pair("expacti/gate", "yes"),
    };
    ListedPodSandboxes { items: vec![pod].into_iter().filter(|pod| pod.id == id).collect() }
}

/// Serves until the test ends. Its answers come in two pieces, as long ones do.
fn serve(socket: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = UnixListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((request, mut respond))) = connection.accept().await {
                        tokio::spawn(async move {
                            let path = request.uri().path().to_owned();
                            let mut body = request.into_body();
                            let mut asked = Vec::new();
                            while let Some(Ok(piece)) = body.data().await {
                                asked.extend_from_slice(&piece);
                            }
                            let answer = match path.rsplit('/').next().unwrap() {
                                "ListContainers" => {
                                    let wanted = ListContainers::decode(&asked[5..]).unwrap();
                                    let id = wanted.filter.unwrap().id;
                                    if id == "broken" {
                                        let refusal = Response::builder().header("grpc-status", "14");
                                        let refusal =
                                            refusal.header("grpc-message", "starting").body(()).unwrap();
                                        respond.send_response(refusal, true).unwrap();
                                        return;
                                    }
                                    listed(&id).encode_to_vec()
                                }
                                _ => pods(&ListPodSandboxes::decode(&asked[5..]).unwrap().filter.unwrap().id)
                                    .encode_to_vec(),
                            };
                            let length = u32::try_from(answer.len()).unwrap().to_be_bytes();
                            let framed = [&[0], &length[..], &answer].concat();
                            let (first, second) = framed.split_at(framed.len() / 2);
                            let mut stream = respond.send_response(Response::new(()), false).unwrap();
                            stream.send_data(Bytes::copy_from_slice(first), false).unwrap();
                            stream.send_data(Bytes::copy_from_slice(second), false).unwrap();
                            let end = HeaderValue::from_static("0");
                            stream
                                .send_trailers(HeaderMap::from_iter([("grpc-status".parse().unwrap(), end)]))
                                .unwrap();
                        });
                    }
                });
            }
        });
    });
}

#[test]
fn the_runtime_says_whose_a_container_is() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("cri.sock");
    serve(&socket);
    let sockets = [PathBuf::from("/nowhere.sock"), socket];
    let Ok(Said::Known(known)) = ask(&sockets, "c1") else { panic!("it is known") };
    let Identity { shown, labels, pod_labels, pod_annotations } = *known;
    assert_eq!(
        [&shown.runtime, &shown.id, &shown.name, &shown.image],
        ["cri", "c1", "worker", "localhost/agent:1"]
    );
    assert_eq!((shown.pod.as_deref(), shown.namespace.as_deref()), (Some("claude-0"), Some("agents")));
    assert_eq!(labels, pair("io.kubernetes.container.name", "worker"));
    assert_eq!((pod_labels, pod_annotations), (pair("app", "claude"), pair("expacti/gate", "yes")));
    assert_eq!(shown.labels.len(), 3);

    assert_eq!(ask(&sockets, "p1"), Ok(Said::Infrastructure));
    let unknown = ask(&sockets, "c2").unwrap_err().to_string();
    assert!(unknown.ends_with("cri.sock: it knows no container c2"), "{unknown}");
    let broken = ask(&sockets, "broken").unwrap_err().to_string();
    assert!(broken.ends_with("it refuses with status 14: starting"), "{broken}");
    assert!(ask(&sockets[..1], "c1").unwrap_err().to_string().contains("no socket of a container runtime"));
}

#[test]
fn a_bundle_says_that_it_holds_a_pod() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    for (text, is_so) in [
        (r#"{"annotations":{"io.kubernetes.cri.container-type":"sandbox"}}"#, true),
        (r#"{"annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox"}}"#, true),
        (r#"{"annotations":{"io.kubernetes.cri.container-type":"container"}}"#, false),
        (r#"{"ociVersion":"1.1.0"}"#, false),
        ("", false),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(holds_a_pod(&file), is_so, "{text}");
    }
}
