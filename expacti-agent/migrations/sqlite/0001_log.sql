-- The evidence: one row per entry, never changed. `body` holds the very bytes that were hashed; the other columns
-- repeat what is in it, so that it can be found, and `expacti log verify` checks that they agree.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    node BLOB NOT NULL,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    boot BLOB,
    sequence INTEGER,
    hash BLOB NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_place ON entries (node, position);
CREATE INDEX entries_attempt ON entries (boot, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX entries_daemon ON entries (kind, node, position) WHERE sequence IS NULL;

-- Holds a row only inside the transaction of a pruning: what may be deleted.
CREATE TABLE pruning (node BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries of the exec log are never changed');
END;
CREATE TRIGGER entries_are_only_pruned BEFORE DELETE ON entries
WHEN NOT EXISTS (SELECT 1 FROM pruning WHERE node = OLD.node AND position >= OLD.position)
BEGIN
    SELECT RAISE(ABORT, 'entries of the exec log are only deleted by its retention');
END;

-- Everything below is made from the entries and can be made again: it only finds them.

-- Texts that repeat: agents, executables, folders, deciders. `kind` is `names::Kind` in the code.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (kind, text)
) STRICT;

-- One narrow row per attempt. `id` is that of the entry that began it, so the order of ids is the order of the log.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    node INTEGER NOT NULL,
    at INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    exe INTEGER NOT NULL,
    program INTEGER NOT NULL,
    cwd INTEGER NOT NULL,
    command INTEGER NOT NULL,
    level INTEGER NOT NULL,
    score INTEGER NOT NULL,
    state INTEGER NOT NULL,
    held INTEGER NOT NULL,
    decider INTEGER,
    held_us INTEGER,
    review_us INTEGER,
    human INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_at ON attempts (at);
CREATE INDEX attempts_agent ON attempts (agent);
CREATE INDEX attempts_program ON attempts (program);
CREATE INDEX attempts_cwd ON attempts (cwd);
CREATE INDEX attempts_decider ON attempts (decider);
-- What people look for most is rare: these stay small.
CREATE INDEX attempts_risky ON attempts (level) WHERE level > 0;
CREATE INDEX attempts_not_allowed ON attempts (state) WHERE state <> 1;
CREATE INDEX attempts_held ON attempts (held) WHERE held = 1;

CREATE TRIGGER attempts_keep_what_was_seen
BEFORE UPDATE OF id, node, at, agent, exe, program, cwd, command, level, score ON attempts
BEGIN
    SELECT RAISE(ABORT, 'what was seen of an attempt is never changed');
END;

-- The words of a command, in order. Contentless: the text itself is in the entry.
CREATE VIRTUAL TABLE attempts_text USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = "ascii tokenchars '_'"
);

CREATE TABLE votes (
    reviewer INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (reviewer, attempt)
) STRICT, WITHOUT ROWID;

-- Decided attempts by day, for `expacti log stats`.
CREATE TABLE tally (
    day INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    command INTEGER NOT NULL,
    state INTEGER NOT NULL,
    human INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, agent, command, state, human)
) STRICT, WITHOUT ROWID;

-- Up to which entry of each node the tables above are made.
CREATE TABLE progress (node BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
