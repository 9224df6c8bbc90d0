-- The evidence: one row per entry, never changed. `body` holds the very bytes that were hashed; the other columns
-- repeat what is in it, so that it can be found, and `expacti log verify` checks that they agree.
CREATE TABLE entries (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node BYTEA NOT NULL,
    position BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    boot BYTEA,
    sequence BIGINT,
    hash BYTEA NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX entries_place ON entries (node, position);
CREATE INDEX entries_attempt ON entries (boot, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX entries_daemon ON entries (kind, node, position) WHERE sequence IS NULL;

-- Holds a row only inside the transaction of a pruning: what may be deleted.
CREATE TABLE pruning (node BYTEA PRIMARY KEY, position BIGINT NOT NULL);

CREATE FUNCTION expacti_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of the exec log are never changed';
END $$;
CREATE FUNCTION expacti_only_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM pruning WHERE node = OLD.node AND position >= OLD.position) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'entries of the exec log are only deleted by its retention';
END $$;
CREATE FUNCTION expacti_keep_what_was_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was seen of an attempt is never changed';
END $$;
CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
    FOR EACH ROW EXECUTE FUNCTION expacti_never_change();
CREATE TRIGGER entries_are_only_pruned BEFORE DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION expacti_only_pruned();
CREATE TRIGGER entries_are_never_emptied BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION expacti_never_change();

-- Everything below is made from the entries and can be made again: it only finds them.

-- Texts that repeat: agents, executables, folders, deciders. `kind` is `names::Kind` in the code.
CREATE TABLE names (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind BIGINT NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    UNIQUE (kind, text)
);

-- One narrow row per attempt. `id` is that of the entry that began it, so the order of ids is the order of the log.
CREATE TABLE attempts (
    id BIGINT PRIMARY KEY,
    node BIGINT NOT NULL,
    at BIGINT NOT NULL,
    agent BIGINT NOT NULL,
    exe BIGINT NOT NULL,
    program BIGINT NOT NULL,
    cwd BIGINT NOT NULL,
    command BIGINT NOT NULL,
    level BIGINT NOT NULL,
    score BIGINT NOT NULL,
    state BIGINT NOT NULL,
    held BIGINT NOT NULL,
    decider BIGINT,
    held_us BIGINT,
    review_us BIGINT,
    human BIGINT NOT NULL
);
CREATE INDEX attempts_at ON attempts (at);
CREATE INDEX attempts_agent ON attempts (agent, id);
CREATE INDEX attempts_program ON attempts (program, id);
CREATE INDEX attempts_cwd ON attempts (cwd, id);
CREATE INDEX attempts_decider ON attempts (decider, id);
-- What people look for most is rare: these stay small.
CREATE INDEX attempts_risky ON attempts (level, id) WHERE level > 0;
CREATE INDEX attempts_not_allowed ON attempts (state, id) WHERE state <> 1;
CREATE INDEX attempts_held ON attempts (held, id) WHERE held = 1;

CREATE TRIGGER attempts_keep_what_was_seen
    BEFORE UPDATE OF id, node, at, agent, exe, program, cwd, command, level, score ON attempts
    FOR EACH ROW EXECUTE FUNCTION expacti_keep_what_was_seen();

-- The words of a command, in order.
CREATE TABLE attempts_text (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
CREATE INDEX attempts_words ON attempts_text USING gin (words);

CREATE TABLE votes (
    reviewer BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    PRIMARY KEY (reviewer, attempt)
);

-- Decided attempts by day, for `expacti log stats`.
CREATE TABLE tally (
    day BIGINT NOT NULL,
    agent BIGINT NOT NULL,
    command BIGINT NOT NULL,
    state BIGINT NOT NULL,
    human BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (day, agent, command, state, human)
);

-- Up to which entry of each node the tables above are made.
CREATE TABLE progress (node BYTEA PRIMARY KEY, position BIGINT NOT NULL);
