//! What programs take for the same thing. Written from their manuals, independent of the engine's own tool descriptions.

/// Program, short option, long option; both without a value.
pub(super) const LONG: &[(&str, &str, &str)] = &[
    ("chmod", "-R", "--recursive"),
    ("chown", "-R", "--recursive"),
    ("docker", "-f", "--force"),
    ("gcloud", "-q", "--quiet"),
    ("iptables", "-F", "--flush"),
    ("kill", "-9", "-KILL"),
    ("kill", "-9", "-SIGKILL"),
    ("killall", "-9", "-KILL"),
    ("kubectl", "-A", "--all-namespaces"),
    ("mysqladmin", "-f", "--force"),
    ("pkill", "-9", "-KILL"),
    ("pulumi", "-y", "--yes"),
    ("rsync", "--delete", "--delete-after"),
    ("rsync", "--delete", "--del"),
    ("shred", "-u", "--remove"),
    ("terraform", "-auto-approve", "--auto-approve"),
    ("terraform", "-auto-approve", "-auto-approve=true"),
    ("terraform", "-destroy", "--destroy"),
    ("wipefs", "-a", "--all"),
];

/// Program, short option, long option; both with a value.
pub(super) const WITH_VALUE: &[(&str, &str, &str)] = &[
    ("curl", "-F", "--form"),
    ("curl", "-H", "--header"),
    ("curl", "-T", "--upload-file"),
    ("curl", "-X", "--request"),
    ("curl", "-d", "--data"),
    ("docker", "-v", "--volume"),
    ("gh", "-X", "--method"),
    ("helm", "-n", "--namespace"),
    ("kubectl", "-n", "--namespace"),
    ("kubectl", "-p", "--patch"),
    ("mysql", "-e", "--execute"),
    ("mysql", "-h", "--host"),
    ("psql", "-c", "--command"),
    ("psql", "-d", "--dbname"),
    ("psql", "-h", "--host"),
    ("pulumi", "-s", "--stack"),
    ("truncate", "-s", "--size"),
];

/// Program, and its options that can be put together behind one dash.
pub(super) const CLUSTERS: &[(&str, &[(char, &str)])] = &[
    ("rm", &[('r', "recursive"), ('f', "force"), ('d', "dir"), ('v', "verbose")]),
    ("chmod", &[('R', "recursive"), ('f', "silent"), ('v', "verbose")]),
    ("chown", &[('R', "recursive"), ('h', "no-dereference")]),
    ("userdel", &[('r', "remove"), ('f', "force")]),
    ("umount", &[('l', "lazy"), ('f', "force")]),
];

/// Programs that take their options behind the operands too, and none of whose options in the corpus has a value of its own word.
pub(super) const PERMUTES: &[&str] =
    &["rm", "chmod", "chown", "wipefs", "userdel", "umount", "dropdb", "blkdiscard"];

/// Program, and options that change nothing about what it destroys.
pub(super) const HARMLESS: &[(&str, &[&str])] = &[
    ("ansible", &["--forks", "10"]),
    ("aws", &["--no-cli-pager", "--output", "json"]),
    ("aws", &["--region", "eu-west-1"]),
    ("bash", &["--norc"]),
    ("chmod", &["-v"]),
    ("curl", &["--max-time", "9", "-sS"]),
    ("curl", &["--compressed", "--retry=2"]),
    ("docker", &["--log-level", "error"]),
    ("dropdb", &["--echo"]),
    ("gcloud", &["--verbosity=error"]),
    ("git", &["--git-dir=.git", "--work-tree=."]),
    ("git", &["--no-pager"]),
    ("git", &["-C", "."]),
    ("git", &["-c", "color.ui=never"]),
    ("helm", &["--debug"]),
    ("iptables", &["--wait", "5"]),
    ("kubectl", &["--request-timeout=30s"]),
    ("kubectl", &["--v", "0"]),
    ("mongosh", &["--quiet", "--norc"]),
    ("mysql", &["--batch"]),
    ("node", &["--no-warnings"]),
    ("npx", &["--yes"]),
    ("perl", &["-w"]),
    ("php", &["-n"]),
    ("podman", &["--log-level=error"]),
    ("psql", &["-X", "-q"]),
    ("psql", &["-v", "ON_ERROR_STOP=1"]),
    ("pulumi", &["--non-interactive"]),
    ("python3", &["-B", "-u"]),
    ("redis-cli", &["--no-auth-warning"]),
    ("restic", &["--quiet"]),
    ("rm", &["--one-file-system"]),
    ("rm", &["-v"]),
    ("rsync", &["--stats"]),
    ("ruby", &["-W0"]),
    ("shred", &["-v"]),
    ("sqlite3", &["-batch"]),
    ("ssh", &["-o", "BatchMode=yes"]),
    ("ssh", &["-q", "-p", "22"]),
    ("systemctl", &["--no-block"]),
    ("systemctl", &["--quiet", "--no-pager"]),
    ("terraform", &["-chdir=."]),
    ("tofu", &["-chdir=."]),
    ("wget", &["--no-verbose"]),
];

/// Leading words, and others that mean the same.
pub(super) const NAMES: &[(&[&str], &[&[&str]])] = &[
    (&["bin/rails"], &[&["rails"], &["bundle", "exec", "rails"], &["./bin/rails"], &["ruby", "bin/rails"]]),
    (&["docker", "compose"], &[&["docker-compose"], &["podman-compose"], &["podman", "compose"]]),
    (&["docker", "exec"], &[&["docker", "container", "exec"], &["podman", "exec"], &["nerdctl", "exec"]]),
    (&["docker", "kill"], &[&["docker", "container", "kill"], &["podman", "kill"]]),
    (&["docker", "rm"], &[&["docker", "container", "rm"], &["podman", "rm"]]),
    (&["docker", "run"], &[&["docker", "container", "run"], &["podman", "run"], &["nerdctl", "run"]]),
    (&["docker", "system", "prune"], &[&["podman", "system", "prune"]]),
    (&["docker", "volume", "rm"], &[&["docker", "volume", "remove"], &["podman", "volume", "rm"]]),
    (&["git", "branch", "-D"], &[&["git", "branch", "--delete", "--force"], &["git", "branch", "-d", "-f"]]),
    (
        &["git", "clean", "-fd"],
        &[&["git", "clean", "-d", "-f"], &["git", "clean", "--force", "-d"], &["git", "clean", "-df"]],
    ),
    (
        &["git", "clean", "-fdx"],
        &[&["git", "clean", "-xdf"], &["git", "clean", "-x", "-d", "--force"], &["git", "clean", "-dfxq"]],
    ),
    (
        &["git", "push", "--force"],
        &[&["git", "push", "-f"], &["git", "push", "--quiet", "--force"], &["git", "push", "-fu"]],
    ),
    (
        &["git", "push", "-f"],
        &[&["git", "push", "--force"], &["git", "push", "-qf"], &["git", "push", "--force", "--porcelain"]],
    ),
    (
        &["git", "push", "origin", "--delete"],
        &[&["git", "push", "origin", "-d"], &["git", "push", "--delete", "origin"]],
    ),
    (
        &["git", "reset", "--hard"],
        &[&["git", "reset", "-q", "--hard"], &["git", "reset", "--quiet", "--hard"]],
    ),
    (&["git", "stash", "drop"], &[&["git", "stash", "drop", "--quiet"]]),
    (
        &["kubectl", "delete", "namespace"],
        &[
            &["kubectl", "delete", "ns"],
            &["kubectl", "delete", "namespaces"],
            &["oc", "delete", "namespace"],
            &["k3s", "kubectl", "delete", "namespace"],
            &["microk8s", "kubectl", "delete", "namespace"],
        ],
    ),
    (&["kubectl", "delete", "ns"], &[&["kubectl", "delete", "namespace"], &["oc", "delete", "project"]]),
    (&["kubectl", "delete", "pods"], &[&["kubectl", "delete", "po"], &["kubectl", "delete", "pod"]]),
    (
        &["kubectl", "delete", "pvc"],
        &[&["kubectl", "delete", "persistentvolumeclaims"], &["kubectl", "delete", "persistentvolumeclaim"]],
    ),
    (
        &["kubectl", "delete", "statefulset"],
        &[&["kubectl", "delete", "sts"], &["kubectl", "delete", "statefulsets.apps"]],
    ),
    (&["kubectl", "rollout", "undo"], &[&["oc", "rollout", "undo"]]),
    (&["mkfs.ext4"], &[&["mkfs", "-t", "ext4"], &["mke2fs", "-t", "ext4"], &["/sbin/mkfs.ext4"]]),
    (&["mysql"], &[&["mariadb"]]),
    (
        &["npx", "prisma"],
        &[
            &["pnpm", "exec", "prisma"],
            &["pnpm", "prisma"],
            &["yarn", "prisma"],
            &["yarn", "run", "prisma"],
            &["bunx", "prisma"],
            &["npm", "exec", "--", "prisma"],
            &["./node_modules/.bin/prisma"],
            &["npx", "prisma@latest"],
        ],
    ),
    (
        &["npx", "drizzle-kit"],
        &[&["pnpm", "drizzle-kit"], &["bunx", "drizzle-kit"], &["./node_modules/.bin/drizzle-kit"]],
    ),
    (&["npx", "sequelize-cli"], &[&["npx", "sequelize"], &["yarn", "sequelize-cli"]]),
    (&["npx", "typeorm"], &[&["yarn", "typeorm"], &["./node_modules/.bin/typeorm"]]),
    (&["php", "artisan"], &[&["./artisan"], &["./vendor/bin/sail", "artisan"], &["php8.3", "artisan"]]),
    (
        &["pip", "install"],
        &[&["pip3", "install"], &["python3", "-m", "pip", "install"], &["uv", "pip", "install"]],
    ),
    (&["podman", "run"], &[&["podman", "container", "run"], &["docker", "run"]]),
    (
        &["python", "manage.py"],
        &[
            &["python3", "manage.py"],
            &["./manage.py"],
            &["django-admin"],
            &["uv", "run", "manage.py"],
            &["poetry", "run", "python", "manage.py"],
        ],
    ),
    (&["python3", "-c"], &[&["python", "-c"], &["python3.12", "-c"], &["pypy3", "-c"], &["python3", "-Bc"]]),
    (&["systemctl", "stop"], &[&["systemctl", "--now", "stop"], &["systemctl", "kill"]]),
    (&["terraform", "destroy"], &[&["tofu", "destroy"], &["terraform", "apply", "-destroy"]]),
    (
        &["shutdown", "-h", "now"],
        &[&["poweroff"], &["halt"], &["systemctl", "poweroff"], &["shutdown", "-P", "+0"], &["telinit", "0"]],
    ),
];

/// Program, and the options whose value is SQL.
pub(super) const SQL_OPTIONS: &[(&str, &[&str])] =
    &[("psql", &["-c", "--command"]), ("mysql", &["-e", "--execute"]), ("clickhouse-client", &["--query"])];
