//! The scores and bands that the product promises.

use super::of_shell;
use crate::evaluation::Level;

#[test]
fn given_scores_are_exact() {
    let cases = [
        ("git status", 5),
        ("npm test", 10),
        ("psql $DATABASE_URL -c \"EXPLAIN ANALYZE SELECT ...\"", 12),
        ("psql $DATABASE_URL -c \"EXPLAIN ANALYZE SELECT * FROM users WHERE id = 1\"", 12),
        ("psql $DATABASE_URL -c \"CREATE INDEX CONCURRENTLY ...\"", 41),
        ("psql $DATABASE_URL -c \"CREATE INDEX CONCURRENTLY users_email ON users (email)\"", 41),
        ("git push origin main", 45),
        ("psql prod -c \"UPDATE users SET ...\"", 72),
        ("psql prod -c \"UPDATE users SET plan = 'free' WHERE id = 7\"", 72),
        ("psql $DATABASE_URL -c \"DROP TABLE sessions\"", 95),
        ("psql prod -c \"DROP TABLE sessions\"", 95),
        ("kubectl delete deployment/api", 98),
    ];
    let wrong: Vec<String> = cases
        .into_iter()
        .map(|(text, expected)| (text, expected, of_shell(text)))
        .filter(|(_, expected, assessment)| assessment.score != *expected)
        .map(|(text, expected, assessment)| {
            format!("{text}: {}, given {expected}: {:?}", assessment.score, assessment.factors)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn given_bands_hold() {
    let low = ["docker ps", "cat file.log", "curl http://host/health"];
    let medium = ["git commit -m 'x'", "docker restart web", "npm install", "psql -c VACUUM"];
    let high = [
        "rm -rf data",
        "sed -i 's/a/b/' config/production.yml",
        "sed -i 's/a/b/' /etc/nginx/nginx.conf",
        "git push --force",
        "terraform destroy",
        "pkill -f api-server",
        "kubectl rollout undo deployment/api",
        "helm rollback api 3",
        "heroku rollback v12",
        "curl -X POST https://backboard.example/graphql -d '{\"query\":\"mutation { volumeDelete(volumeId: \\\"v\\\") }\"}'",
        "curl -X DELETE https://api.cloud.example/v1/servers/42",
        "DATABASE_URL=postgres://db.prod.example.com/app npx prisma migrate deploy",
        "RAILS_ENV=production rails db:migrate",
    ];
    let mut wrong = Vec::new();
    for (texts, from, to) in [
        (low.as_slice(), Level::Low, Level::Low),
        (medium.as_slice(), Level::Medium, Level::Medium),
        (high.as_slice(), Level::High, Level::Critical),
    ] {
        for text in texts {
            let assessment = of_shell(text);
            if assessment.level < from || assessment.level > to {
                wrong.push(format!("{text}: {} {:?}", assessment.score, assessment.factors));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// However it is written, it is the same command.
#[test]
fn writing_it_otherwise_changes_nothing_or_makes_it_worse() {
    let ways = [
        "rm -rf /srv/data",
        "rm -fr /srv/data",
        "rm -r -f /srv/data",
        "rm --recursive --force /srv/data",
        "rm --recurs --for /srv/data",
        "rm /srv/data -rf",
        "rm -rf -- /srv/data",
        "/bin/rm -rf /srv/data",
        "\\rm -rf /srv/data",
        "'r'm -rf /srv/data",
        "r\"m\" -rf /srv/data",
        "$'\\x72m' -rf /srv/data",
        "rm${IFS}-rf${IFS}/srv/data",
        "X=rm; $X -rf /srv/data",
        "$(echo rm) -rf /srv/data",
        "`echo rm` -rf /srv/data",
        "{rm,-rf,/srv/data}",
        "env FOO=1 rm -rf /srv/data",
        "FOO=1 nice -n 5 timeout 10 nohup rm -rf /srv/data",
        "sudo -u root rm -rf /srv/data",
        "sh -c 'rm -rf /srv/data'",
        "bash -lc \"sh -c 'rm -rf /srv/data'\"",
        "eval 'rm -rf /srv/data'",
        "eval rm -rf /srv/data",
        "echo 'rm -rf /srv/data' | sh",
        "echo cm0gLXJmIC9zcnYvZGF0YQ== | base64 -d | sh",
        "bash <<< 'rm -rf /srv/data'",
        "bash <<EOF\nrm -rf /srv/data\nEOF",
        "busybox rm -rf /srv/data",
        "/lib64/ld-linux-x86-64.so.2 /bin/rm -rf /srv/data",
        "echo /srv/data | xargs rm -rf",
        "find /srv/data -exec rm -rf {} +",
        "if true; then rm -rf /srv/data; fi",
        "f() { rm -rf /srv/data; }; f",
        "true && { ls; (rm -rf /srv/data); }",
        "ls \"$(rm -rf /srv/data)\"",
        "cat <<EOF\n$(rm -rf /srv/data)\nEOF",
        "case x in x) rm -rf /srv/data;; esac",
        "while read l; do rm -rf /srv/data; done < list",
        "trap 'rm -rf /srv/data' EXIT",
        "alias x='rm -rf /srv/data'; x",
        "ssh web1 rm -rf /srv/data",
        "ssh web1 'sudo rm -rf /srv/data'",
        "docker exec web rm -rf /srv/data",
        "kubectl exec web -- rm -rf /srv/data",
        "python3 -c \"import os; os.system('rm -rf /srv/data')\"",
        "python3 -c \"import subprocess; subprocess.run(['rm', '-rf', '/srv/data'])\"",
        "node -e \"require('child_process').execSync('rm -rf /srv/data')\"",
        "perl -e 'system(\"rm -rf /srv/data\")'",
        "awk 'BEGIN { system(\"rm -rf /srv/data\") }'",
        "\u{433}m -rf /srv/data",
        "!; rm -rf /srv/data",
        "rm -rf /srv/data #",
        "ls &&\\\nrm -rf /srv/data",
    ];
    let missed: Vec<_> = ways.iter().filter(|text| of_shell(text).level < Level::High).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}
