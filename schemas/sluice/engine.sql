-- What the engine itself keeps in Postgres. Applied again and again: every statement says so.
CREATE SCHEMA IF NOT EXISTS sluice;
COMMENT ON SCHEMA sluice IS 'Positions of every projection, what was refused, and what to wait for.';

CREATE TABLE IF NOT EXISTS sluice.applied (
  name text COLLATE "C" PRIMARY KEY,
  digest text COLLATE "C" NOT NULL,
  applied_at timestamptz NOT NULL
);
ALTER TABLE sluice.applied ADD COLUMN IF NOT EXISTS revision integer,
  ADD COLUMN IF NOT EXISTS least_revision integer;
COMMENT ON TABLE sluice.applied IS 'Which DDL was run last, by schema; what is unchanged is not run again.';
COMMENT ON COLUMN sluice.applied.revision IS
  'Of the schema sluice: its number among all that programs have made; a lower program leaves it as it is.';
COMMENT ON COLUMN sluice.applied.least_revision IS
  'Of the schema sluice: programs below this number refuse to work on it.';

CREATE TABLE IF NOT EXISTS sluice.projection (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  unique_id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  partitions integer NOT NULL CHECK (partitions > 0),
  horizon_ms bigint NOT NULL,
  live boolean NOT NULL,
  PRIMARY KEY (projection, generation)
);
ALTER TABLE sluice.projection ADD COLUMN IF NOT EXISTS
  quarantine_ms bigint NOT NULL DEFAULT 604800000;
ALTER TABLE sluice.projection ADD COLUMN IF NOT EXISTS applied jsonb;
ALTER TABLE sluice.projection ADD COLUMN IF NOT EXISTS log text COLLATE "C";
-- `live` is what a generation's status says, as readers of the table ask for it: whoever sets one
-- sets the other.
ALTER TABLE sluice.projection
  ADD COLUMN IF NOT EXISTS status text COLLATE "C"
    CONSTRAINT projection_status CHECK (
      status IN ('building', 'ready', 'live', 'standing', 'failed', 'retired'))
    CONSTRAINT projection_live_by_status CHECK (live = (status = 'live')),
  ADD COLUMN IF NOT EXISTS phase text COLLATE "C" NOT NULL DEFAULT 'following'
    CONSTRAINT projection_phase CHECK (phase IN ('folding', 'loading', 'indexing', 'following')),
  ADD COLUMN IF NOT EXISTS reason text COLLATE "C",
  ADD COLUMN IF NOT EXISTS share double precision,
  ADD COLUMN IF NOT EXISTS made_at timestamptz,
  ADD COLUMN IF NOT EXISTS promoted_at timestamptz,
  ADD COLUMN IF NOT EXISTS reads_sql text COLLATE "C",
  ADD COLUMN IF NOT EXISTS keys_sql text COLLATE "C";
ALTER TABLE sluice.projection ADD COLUMN IF NOT EXISTS mark bigint NOT NULL DEFAULT 0;
ALTER TABLE sluice.projection
  DROP CONSTRAINT IF EXISTS projection_share,
  ADD CONSTRAINT projection_share CHECK (share > 0 AND share <= 1024);
ALTER TABLE sluice.projection
  ADD COLUMN IF NOT EXISTS promotes_itself boolean NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS differences jsonb;
-- Generations from before there was an index never have one.
ALTER TABLE sluice.projection ADD COLUMN IF NOT EXISTS key_index boolean NOT NULL DEFAULT false;
ALTER TABLE sluice.projection ADD COLUMN IF NOT EXISTS hurries_until timestamptz;
-- Rows from before there were statuses.
UPDATE sluice.projection
SET status = CASE WHEN live THEN 'live' ELSE 'failed' END,
    reason = CASE WHEN NOT live THEN 'it was not live when generations were given a status' END
WHERE status IS NULL;
ALTER TABLE sluice.projection ALTER COLUMN status SET NOT NULL,
  ALTER COLUMN made_at SET DEFAULT now();
CREATE UNIQUE INDEX IF NOT EXISTS projection_live ON sluice.projection (projection) WHERE live;
CREATE UNIQUE INDEX IF NOT EXISTS projection_building ON sluice.projection (projection)
  WHERE status IN ('building', 'ready');
CREATE UNIQUE INDEX IF NOT EXISTS projection_standing ON sluice.projection (projection)
  WHERE status = 'standing';
COMMENT ON TABLE sluice.projection IS
  'Generations: each is one build of a projection''s tables. At most one of a projection is live,'
  ' one is building or ready, one is standing.';
COMMENT ON COLUMN sluice.projection.projection IS 'The domain whose rules it is.';
COMMENT ON COLUMN sluice.projection.generation IS
  'Its number, which no later one gets again: its tables are in schema <projection>_g<number>.';
COMMENT ON COLUMN sluice.projection.status IS
  'building: folded beside the live one; ready: close enough to it to be promoted; live: what'
  ' readers see; standing: was live and is still folded; failed: reason says why; retired: its'
  ' tables are gone.';
COMMENT ON COLUMN sluice.projection.phase IS
  'folding: into the state of processes alone; loading: partitions are copied into tables without'
  ' keys; indexing: keys and indexes are made; following: it is flushed, up to where the live one'
  ' is. The first generation always follows.';
COMMENT ON COLUMN sluice.projection.reason IS
  'Why it failed, or was given up for that of a higher version; of one that promotes itself, why it'
  ' could not be promoted when that was last tried; null: none of these.';
COMMENT ON COLUMN sluice.projection.promotes_itself IS
  'Whether `sluice up` made it, since its rules were newer than any before, and promotes it when it is'
  ' ready. False from the first swap on that it takes part in: it is promoted so once.';
COMMENT ON COLUMN sluice.projection.differences IS
  'How its rows differed from those that readers saw when it was last compared before promoting'
  ' itself, as `sluice compare` says it, without samples; null: it was not.';
COMMENT ON COLUMN sluice.projection.share IS
  'How much of a processor core, or how many of them, building it may take in a process; null:'
  ' it was not built beside another.';
COMMENT ON COLUMN sluice.projection.made_at IS
  'When it was made; null: by a version that did not say.';
COMMENT ON COLUMN sluice.projection.promoted_at IS
  'When it was promoted, always later than any other of the projection before it; null: it never was. A'
  ' rollback to it changes nothing here.';
COMMENT ON COLUMN sluice.projection.reads_sql IS
  'The views and functions for readers that belong to its tables (reads.sql of its version).';
COMMENT ON COLUMN sluice.projection.keys_sql IS
  'What is run once all partitions are loaded: it makes the keys and indexes of its tables. Null:'
  ' they were made with the tables.';
COMMENT ON COLUMN sluice.projection.key_index IS
  'Whether the state of its partitions knows which records concern a key, from its beginning on:'
  ' what sluice replay reads a key''s records by.';
COMMENT ON COLUMN sluice.projection.hurries_until IS
  'Until then a swap waits for its computed rows: its owners compute each key that is due at once,'
  ' whatever its pace.';
COMMENT ON COLUMN sluice.projection.mark IS
  'Of sluice.mark: committed right before readers were given this generation in the place of'
  ' another; 0: they never were.';
COMMENT ON COLUMN sluice.projection.unique_id IS 'Tells it from an earlier generation of the number.';
COMMENT ON COLUMN sluice.projection.version IS 'Of the projection''s rules.';
COMMENT ON COLUMN sluice.projection.partitions IS 'Of its stream, fixed when it was made.';
COMMENT ON COLUMN sluice.projection.horizon_ms IS 'How long event ids are remembered.';
COMMENT ON COLUMN sluice.projection.quarantine_ms IS
    'How long quarantine keeps bytes that no deletion of a user is sure to reach.';
COMMENT ON COLUMN sluice.projection.applied IS
    'Columns and indexes of its tables as they were last made: tells what is new from what went.';
COMMENT ON COLUMN sluice.projection.log IS
    'Names the log that its rows are folded from: Kafka''s cluster id, the embedded log''s own; null: none was yet.';
COMMENT ON COLUMN sluice.projection.live IS 'Whether readers see it; one of a projection is.';

CREATE TABLE IF NOT EXISTS sluice.mark (
  projection text COLLATE "C" NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  made_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (projection, id)
);
COMMENT ON TABLE sluice.mark IS
  'A row is committed while two generations stand at one position, right before the one takes the'
  ' place of the other: a snapshot that has the row has both positions, too.';
COMMENT ON COLUMN sluice.mark.projection IS 'Whose generations they are.';
COMMENT ON COLUMN sluice.mark.id IS 'Named by views onto the generation that was shown then.';
COMMENT ON COLUMN sluice.mark.made_at IS 'When the attempt was made to which it belongs.';

-- Views onto a generation that took the place of another ask this once a statement. Without it a
-- snapshot from before would read the new generation's tables beside the old one's position.
CREATE OR REPLACE FUNCTION sluice.sees(of_projection text, mark bigint)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM sluice.mark m WHERE m.projection = of_projection AND m.id = mark) THEN
    RAISE EXCEPTION 'this snapshot is from before the generation of % that readers see now was shown: begin it again',
      of_projection USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN true;
END $$;
COMMENT ON FUNCTION sluice.sees(text, bigint) IS
  'True where the snapshot has the mark; else an error that says to begin the transaction again.';

CREATE TABLE IF NOT EXISTS sluice.position (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  position bigint NOT NULL DEFAULT 0,
  digest bigint NOT NULL DEFAULT 0,
  emits_from bigint NOT NULL DEFAULT 0,
  log_end bigint NOT NULL DEFAULT 0,
  record_time timestamptz,
  owner text COLLATE "C" NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (projection, generation, partition),
  FOREIGN KEY (projection, generation) REFERENCES sluice.projection ON DELETE CASCADE
) WITH (fillfactor = 50);
ALTER TABLE sluice.position ADD COLUMN IF NOT EXISTS published bigint NOT NULL DEFAULT 0;
ALTER TABLE sluice.position ADD COLUMN IF NOT EXISTS published_at timestamptz;
ALTER TABLE sluice.position ADD COLUMN IF NOT EXISTS log_identity text COLLATE "C";
ALTER TABLE sluice.position
  ADD COLUMN IF NOT EXISTS loaded boolean NOT NULL DEFAULT true,
  ADD COLUMN IF NOT EXISTS folded bigint NOT NULL DEFAULT 0;
COMMENT ON TABLE sluice.position IS 'How much of each partition the rows reflect.';
COMMENT ON COLUMN sluice.position.loaded IS
  'False while a generation that is built in bulk has the partition''s rows in a process''s state'
  ' only, and none in its tables: position is 0 then.';
COMMENT ON COLUMN sluice.position.folded IS
  'While it is not loaded: all that was refused before this offset is in sluice.rejection and'
  ' sluice.quarantine.';
COMMENT ON COLUMN sluice.position.position IS 'The next offset to fold.';
COMMENT ON COLUMN sluice.position.digest IS 'Of the record before it; 0 at the beginning.';
COMMENT ON COLUMN sluice.position.emits_from IS 'Records before this emit nothing.';
COMMENT ON COLUMN sluice.position.log_end IS 'The end of the log as the owner saw it at its last flush.';
COMMENT ON COLUMN sluice.position.record_time IS 'The greatest recorded_at so far.';
COMMENT ON COLUMN sluice.position.owner IS 'Who took the partition last: nobody else''s flush passes.';
COMMENT ON COLUMN sluice.position.published IS 'How often computed rows were published.';
COMMENT ON COLUMN sluice.position.published_at IS 'When computed rows were published last.';
COMMENT ON COLUMN sluice.position.updated_at IS 'When it was taken or flushed last.';

CREATE TABLE IF NOT EXISTS sluice.heartbeat (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  owner text COLLATE "C" NOT NULL DEFAULT '',
  claimed_at timestamptz,
  seen_at timestamptz,
  released boolean NOT NULL DEFAULT false,
  log_end bigint NOT NULL DEFAULT 0,
  trouble text COLLATE "C" NOT NULL DEFAULT '',
  due bigint,
  computing bigint,
  failing bigint,
  due_since timestamptz,
  contender text COLLATE "C" NOT NULL DEFAULT '',
  contender_at timestamptz,
  PRIMARY KEY (projection, generation, partition),
  FOREIGN KEY (projection, generation) REFERENCES sluice.projection ON DELETE CASCADE
) WITH (fillfactor = 50);
ALTER TABLE sluice.heartbeat ADD COLUMN IF NOT EXISTS claimed_from bigint;
ALTER TABLE sluice.heartbeat ADD COLUMN IF NOT EXISTS oldest_at timestamptz;
COMMENT ON TABLE sluice.heartbeat IS
    'What the owner of a partition says of it each second, whether it folds or not; beside sluice.position, whose row a flush holds until it commits.';
COMMENT ON COLUMN sluice.heartbeat.owner IS 'HOST:PROCESS:START/WORKER/CLAIM; as in sluice.position.';
COMMENT ON COLUMN sluice.heartbeat.claimed_at IS 'When this owner took the partition.';
COMMENT ON COLUMN sluice.heartbeat.claimed_from IS
    'Where the partition was then: its position, or while it is not loaded what was folded of it.';
COMMENT ON COLUMN sluice.heartbeat.seen_at IS
    'When it spoke last; one that has not spoken for 5 seconds counts as gone.';
COMMENT ON COLUMN sluice.heartbeat.released IS 'Whether it has let go of the partition.';
COMMENT ON COLUMN sluice.heartbeat.log_end IS 'The end of the log as last seen.';
COMMENT ON COLUMN sluice.heartbeat.trouble IS 'Why nothing is folded or flushed now; empty while healthy.';
COMMENT ON COLUMN sluice.heartbeat.due IS
    'Keys whose computed rows are behind their input; null: nothing is computed.';
COMMENT ON COLUMN sluice.heartbeat.computing IS 'Of these, begun and not yet published.';
COMMENT ON COLUMN sluice.heartbeat.failing IS 'Of these, whose last computation failed.';
COMMENT ON COLUMN sluice.heartbeat.due_since IS
    'Since when the one that has waited longest might have begun; null: none might.';
COMMENT ON COLUMN sluice.heartbeat.oldest_at IS
    'When the log got the oldest record that the view lacks, as far as the owner knows; null: it lacks none.';
COMMENT ON COLUMN sluice.heartbeat.contender IS
    'Why another process, which is to project the partition, cannot; counts for 5 seconds.';
COMMENT ON COLUMN sluice.heartbeat.contender_at IS 'When it said so.';
COMMENT ON COLUMN sluice.position.log_identity IS
    'Tells the partition of the log that was folded from every other, also from one of its name; tokens carry its first 6 letters. Null: nothing was folded yet.';

CREATE TABLE IF NOT EXISTS sluice.rejection (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  position bigint NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (projection, generation, partition, position)
);
CREATE INDEX IF NOT EXISTS rejection_by_event ON sluice.rejection (event_id);
CREATE INDEX IF NOT EXISTS rejection_by_key ON sluice.rejection (projection, key);
COMMENT ON TABLE sluice.rejection IS 'Events that were valid but not admissible.';

CREATE TABLE IF NOT EXISTS sluice.quarantine (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  position bigint NOT NULL,
  key text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  bytes bytea,
  appended_at timestamptz NOT NULL,
  parks_key boolean NOT NULL,
  PRIMARY KEY (projection, generation, partition, position)
);
ALTER TABLE sluice.quarantine ALTER COLUMN bytes DROP NOT NULL;
ALTER TABLE sluice.quarantine
  ADD COLUMN IF NOT EXISTS beyond_limit boolean NOT NULL DEFAULT false;
COMMENT ON TABLE sluice.quarantine IS 'Records that could not be folded, and those waiting behind.';
COMMENT ON COLUMN sluice.quarantine.position IS
    'Of the record; below 0: a timer, whose rule failed, numbered downward.';
COMMENT ON COLUMN sluice.quarantine.bytes IS
    'The record as the log has it; without what is of somebody who was erased, and empty where it stands in the wrong partition and is somebody''s; null once they have aged out: the log has them.';
COMMENT ON COLUMN sluice.quarantine.parks_key IS 'Whether later records of the key wait behind it.';
COMMENT ON COLUMN sluice.quarantine.beyond_limit IS
    'More waits under its key than --parked-limit says: bytes is null, the state of the partition has them.';
CREATE INDEX IF NOT EXISTS quarantine_beyond_limit ON sluice.quarantine (projection, partition)
  WHERE beyond_limit;

CREATE TABLE IF NOT EXISTS sluice.decision (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  position bigint NOT NULL,
  "offset" bigint,
  kind text COLLATE "C" NOT NULL,
  who text COLLATE "C" NOT NULL,
  why text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (projection, generation, partition, position)
);
COMMENT ON TABLE sluice.decision IS
  'What people decided on quarantine, as the partition''s log has it: every fold of it has the same.';
COMMENT ON COLUMN sluice.decision.position IS 'Of the record that is the decision.';
COMMENT ON COLUMN sluice.decision."offset" IS
  'Of the record that it is about, below 0 of a timer; of a release what was first to wait. Null: nothing was.';
COMMENT ON COLUMN sluice.decision.kind IS 'release, discard, edit.';
COMMENT ON COLUMN sluice.decision.who IS 'USER@HOST, or who asked through sluice.request.';
COMMENT ON COLUMN sluice.decision.why IS 'Their words (--why).';
COMMENT ON COLUMN sluice.decision.at IS 'When it was made, by the clock of the process that appended it.';

CREATE TABLE IF NOT EXISTS sluice.due (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  PRIMARY KEY (projection, generation, key, partition)
) WITH (fillfactor = 80);
COMMENT ON TABLE sluice.due IS
  'Keys whose computed rows are older than what they are computed from, as of the position of their'
  ' partition: those of every other key are what they would be at that position.';

CREATE TABLE IF NOT EXISTS sluice.request (
  id text COLLATE "C" PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  projection text COLLATE "C" NOT NULL,
  partition integer,
  argument jsonb NOT NULL DEFAULT '{}',
  who text COLLATE "C" NOT NULL DEFAULT current_user,
  made_at timestamptz NOT NULL DEFAULT now(),
  answer jsonb,
  done_at timestamptz
);
ALTER TABLE sluice.request
  ADD COLUMN IF NOT EXISTS generation integer,
  ADD COLUMN IF NOT EXISTS worked_at timestamptz;
CREATE INDEX IF NOT EXISTS request_open ON sluice.request (made_at) WHERE done_at IS NULL;
COMMENT ON TABLE sluice.request IS
  'What people asked of the processes that project, who answer on a NOTIFY of channel'
  ' sluice_request; one that nobody was at for 30 seconds is not carried out.';
COMMENT ON COLUMN sluice.request.id IS 'Also of the record in the log that carries it out: once.';
COMMENT ON COLUMN sluice.request.kind IS
  'quarantine.release, quarantine.discard, quarantine.edit, or what the owner of the partition is to do, as'
  ' docs/operate.md lists it.';
COMMENT ON COLUMN sluice.request.partition IS 'Of the projection''s stream.';
COMMENT ON COLUMN sluice.request.generation IS
  'Whose owner is asked; null: that of the live one, or of any where no owner is needed.';
COMMENT ON COLUMN sluice.request.worked_at IS
  'When a process was at it last: each 2 seconds until it answers; null: nobody has begun.';
COMMENT ON COLUMN sluice.request.argument IS
  'Of quarantine: key; offset, of the record to discard or to edit, or of the first that waits where'
  ' its bytes aged out; why; of an edit the event''s text. Else as the kind has it.';
COMMENT ON COLUMN sluice.request.who IS 'Who asked, for people.';
COMMENT ON COLUMN sluice.request.answer IS
  'Of quarantine: {"token"} of the position at which it takes effect. Else as the kind has it; or'
  ' {"refused", "reason"}.';
COMMENT ON COLUMN sluice.request.done_at IS 'When it was answered; null: it was not.';

CREATE TABLE IF NOT EXISTS sluice.process (
  instance text COLLATE "C" PRIMARY KEY,
  host text COLLATE "C" NOT NULL,
  pid integer NOT NULL,
  version text COLLATE "C" NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  vitals jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
COMMENT ON TABLE sluice.process IS
  'A row for each process that projects, renewed every 2 seconds beside its workers; one that was'
  ' not renewed for a minute is removed by the others.';
COMMENT ON COLUMN sluice.process.instance IS
  'HOST:PROCESS:START: owners of partitions (sluice.heartbeat) begin with it.';
COMMENT ON COLUMN sluice.process.version IS 'Of the program.';
COMMENT ON COLUMN sluice.process.since IS 'When it began to project.';
COMMENT ON COLUMN sluice.process.vitals IS
  'What only the process knows: memory by part, its partitions and how each began, RocksDB, Kafka,'
  ' Postgres as it is seen from there.';

CREATE TABLE IF NOT EXISTS sluice.audit (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  round bigint NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  proved_to bigint,
  rows bigint NOT NULL DEFAULT 0,
  differences bigint NOT NULL DEFAULT 0,
  large_keys bigint NOT NULL DEFAULT 0,
  walks bigint NOT NULL DEFAULT 0,
  walked text COLLATE "C" NOT NULL DEFAULT '',
  walk_began_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (projection, generation, partition),
  FOREIGN KEY (projection, generation) REFERENCES sluice.projection ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE sluice.audit IS
  'How the self-audit of each partition of a live generation stands: a fold of its log, key by key,'
  ' against the published rows and the state.';
COMMENT ON COLUMN sluice.audit.round IS
  'The last round that was finished; while none was, the first, which goes on.';
COMMENT ON COLUMN sluice.audit.started_at IS 'When that round began.';
COMMENT ON COLUMN sluice.audit.finished_at IS 'When it was finished; null: it goes on.';
COMMENT ON COLUMN sluice.audit.proved_to IS
  'The least position at which that round looked at rows: what it found holds for each row at that'
  ' position or a later one. Null: no round was finished.';
COMMENT ON COLUMN sluice.audit.rows IS 'Published rows that it compared.';
COMMENT ON COLUMN sluice.audit.differences IS
  'Differences that are known now, also those for which sluice.audit_difference has no room.';
COMMENT ON COLUMN sluice.audit.large_keys IS
  'Keys that it folded in a store on disk, since they have too many records for memory.';
COMMENT ON COLUMN sluice.audit.walks IS 'The round that goes on; 0: the next begins.';
COMMENT ON COLUMN sluice.audit.walked IS 'How far it is, for the process that goes on with it.';
COMMENT ON COLUMN sluice.audit.walk_began_at IS 'When it began.';
COMMENT ON COLUMN sluice.audit.seen_at IS 'When the audit wrote this row last.';

CREATE TABLE IF NOT EXISTS sluice.audit_difference (
  projection text COLLATE "C" NOT NULL,
  generation integer NOT NULL,
  partition integer NOT NULL,
  table_name text COLLATE "C" NOT NULL,
  key jsonb NOT NULL,
  column_name text COLLATE "C",
  what text COLLATE "C" NOT NULL CHECK (what IN ('changed', 'missing', 'extra')),
  expected jsonb NOT NULL,
  found jsonb NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  found_in text COLLATE "C" NOT NULL CHECK (found_in IN ('view', 'state')),
  partition_key text COLLATE "C" NOT NULL,
  FOREIGN KEY (projection, generation) REFERENCES sluice.projection ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS audit_difference_by_key
  ON sluice.audit_difference (projection, generation, partition, partition_key);
COMMENT ON TABLE sluice.audit_difference IS
  'Rows that are not what the log makes of them, as the self-audit has found them twice; a row goes'
  ' when a later look finds them equal. At most 1,000 of a partition: sluice.audit counts all.';
COMMENT ON COLUMN sluice.audit_difference.key IS 'The key columns of the row.';
COMMENT ON COLUMN sluice.audit_difference.column_name IS 'Null: a whole row.';
COMMENT ON COLUMN sluice.audit_difference.what IS
  'The row is there with another value (changed), is not there (missing), or should not be (extra).';
COMMENT ON COLUMN sluice.audit_difference.expected IS
  'By the log: of the column, or the whole row; JSON null: there should be no row.';
COMMENT ON COLUMN sluice.audit_difference.found IS 'The same, as it is; JSON null: there is no row.';
COMMENT ON COLUMN sluice.audit_difference.since IS 'When it was found first.';
COMMENT ON COLUMN sluice.audit_difference.found_in IS
  'view: the published row; state: that in the state of the process that owns the partition.';
COMMENT ON COLUMN sluice.audit_difference.partition_key IS
  'The key that the row belongs to: sluice replay --key, and --repair.';
-- What a table that is not published has in the state is the fold's own, and nobody's to read here
-- who does not own this table; sluice.audit counts it.
ALTER TABLE sluice.audit_difference ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS of_readable_tables ON sluice.audit_difference;
CREATE POLICY of_readable_tables ON sluice.audit_difference FOR SELECT USING (EXISTS (
  SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = projection || '_g' || generation AND c.relname = table_name
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')));

CREATE OR REPLACE FUNCTION sluice.tell_of_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('sluice_request', NEW.id);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION sluice.tell_of_request() IS 'Wakes the processes that answer requests.';
CREATE OR REPLACE TRIGGER tell_of_request AFTER INSERT ON sluice.request
  FOR EACH ROW EXECUTE FUNCTION sluice.tell_of_request();

-- What building a generation needs of the owner of the tables, for processes that may only write
-- rows. Each runs as the user who applied this file.
CREATE OR REPLACE FUNCTION sluice.note_phase(of_projection text, of_generation integer)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  phases CONSTANT text[] := ARRAY['folding', 'loading', 'indexing', 'following'];
  noted text;
  reached text;
BEGIN
  SELECT g.phase, CASE WHEN g.phase = 'following' THEN g.phase
                       WHEN l.loaded = g.partitions THEN 'indexing'
                       WHEN l.loaded > 0 THEN 'loading' ELSE 'folding' END
    INTO noted, reached
  FROM sluice.projection g
  CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE p.loaded) AS loaded FROM sluice.position p
                      WHERE p.projection = g.projection AND p.generation = g.generation) AS l
  WHERE g.projection = of_projection AND g.generation = of_generation AND g.status <> 'retired';
  IF reached <> noted THEN
    UPDATE sluice.projection g SET phase = reached
    WHERE g.projection = of_projection AND g.generation = of_generation
      AND array_position(phases, g.phase) < array_position(phases, reached);
  END IF;
  RETURN reached;
END $$;
COMMENT ON FUNCTION sluice.note_phase(text, integer) IS
  'How far building a generation has come by what is loaded; noted in sluice.projection. Null: there'
  ' is no such generation, or it is retired.';

CREATE OR REPLACE FUNCTION sluice.make_keys(of_projection text, of_generation integer)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  g sluice.projection%ROWTYPE;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext(format('sluice keys of %s_g%s', of_projection,
                                                   of_generation))) THEN
    RETURN 'indexing';
  END IF;
  -- Statements of their own: they see what the one before us committed.
  SELECT * INTO g FROM sluice.projection WHERE projection = of_projection
    AND generation = of_generation;
  IF g.phase <> 'indexing' OR g.status = 'retired' THEN RETURN g.phase; END IF;
  IF (SELECT count(*) FROM sluice.position p WHERE p.projection = of_projection
        AND p.generation = of_generation AND p.loaded) < g.partitions THEN
    RAISE EXCEPTION 'not every partition of % generation % is loaded', of_projection, of_generation
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE g.keys_sql;
  UPDATE sluice.projection SET phase = 'following' WHERE projection = of_projection
    AND generation = of_generation;
  RETURN 'following';
END $$;
COMMENT ON FUNCTION sluice.make_keys(text, integer) IS
  'Makes the keys and indexes of a generation that is loaded, unless another process is doing so;'
  ' its phase then.';

CREATE OR REPLACE FUNCTION sluice.note_ready(of_projection text, of_generation integer,
                                             records bigint)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE sluice.projection g SET status = 'ready'
  WHERE g.projection = of_projection AND g.generation = of_generation AND g.status = 'building'
    AND g.phase = 'following' AND NOT EXISTS (
      SELECT FROM sluice.projection o
      JOIN sluice.position l ON l.projection = o.projection AND l.generation = o.generation
      LEFT JOIN sluice.position p ON p.projection = of_projection
        AND p.generation = of_generation AND p.partition = l.partition
      WHERE o.projection = of_projection AND o.live AND coalesce(p.position, 0) + records < l.position)
$$;
COMMENT ON FUNCTION sluice.note_ready(text, integer, bigint) IS
  'A building generation is ready if it follows, each partition within so many records of the live'
  ' one''s.';

-- What sluice.freshness says of a partition that nobody has. Functions, since the planner would take
-- the view for one of millions of rows with them in it, and compile it at each look.
CREATE OR REPLACE FUNCTION sluice.has_no_records(of_projection text)
RETURNS boolean LANGUAGE sql STABLE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  -- A process that projects other domains has looked at the log.
  SELECT EXISTS (SELECT FROM sluice.process q
                 WHERE q.seen_at > now() - interval '10 s' AND q.vitals->'empty' ? of_projection)
$$;
COMMENT ON FUNCTION sluice.has_no_records(text) IS
  'Whether a process that does not project it has found its log empty.';

CREATE OR REPLACE FUNCTION sluice.other_rules(of_projection text, of_generation integer,
                                              of_version integer)
RETURNS text LANGUAGE sql STABLE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  -- A process leaves alone what rules of another version than its own have folded.
  SELECT CASE WHEN NOT bool_or(q.vitals->'rules'->>of_projection = of_version::text)
              THEN '; generation ' || of_generation || ' is of version ' || of_version
                   || ' of the rules, and those who project ' || of_projection || ' have version '
                   || string_agg(DISTINCT q.vitals->'rules'->>of_projection, ', ')
                   || ': start a program of version ' || of_version || ', or let `sluice rebuild '
                   || of_projection || '` of another build a generation of its own' END
  FROM sluice.process q
  WHERE q.seen_at > now() - interval '10 s' AND q.vitals->'rules' ? of_projection
$$;
COMMENT ON FUNCTION sluice.other_rules(text, integer, integer) IS
  'That all who project it have rules of other versions, and what to do; null: it is not so.';

CREATE OR REPLACE FUNCTION sluice.built_beside(of_projection text, of_generation integer)
RETURNS text LANGUAGE sql STABLE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  -- The log ends where any generation saw it end.
  SELECT format('generation %s of version %s %s: %s of %s records, by %s', n.generation, n.version,
                CASE n.status WHEN 'ready' THEN 'is ready' ELSE 'is being built' END,
                coalesce(sum(CASE WHEN np.loaded THEN np.position ELSE np.folded END), 0),
                sum(coalesce(greatest(np.position, np.folded, np.log_end, nh.log_end, lp.position,
                                      lp.log_end, lh.log_end), 0)),
                coalesce(string_agg(DISTINCT 'process ' || substring(nh.owner FROM '^[^:]*:([0-9]+):')
                                    || ' on ' || substring(nh.owner FROM '^([^:]*):[0-9]+:'), ', ')
                           FILTER (WHERE NOT nh.released AND nh.seen_at > now() - interval '5 s'),
                         'nobody'))
  FROM sluice.projection n
  CROSS JOIN LATERAL generate_series(0, n.partitions - 1) AS m(partition)
  LEFT JOIN sluice.position np ON np.projection = n.projection AND np.generation = n.generation
       AND np.partition = m.partition
  LEFT JOIN sluice.heartbeat nh ON nh.projection = n.projection AND nh.generation = n.generation
       AND nh.partition = m.partition
  LEFT JOIN sluice.position lp ON lp.projection = of_projection AND lp.generation = of_generation
       AND lp.partition = m.partition
  LEFT JOIN sluice.heartbeat lh ON lh.projection = of_projection AND lh.generation = of_generation
       AND lh.partition = m.partition
  WHERE n.projection = of_projection AND n.status IN ('building', 'ready')
  GROUP BY n.generation, n.version, n.status
$$;
COMMENT ON FUNCTION sluice.built_beside(text, integer) IS
  'What may take the place of the live generation soon: which, how far it is, and by whom; null:'
  ' nothing.';

CREATE OR REPLACE VIEW sluice.freshness AS
SELECT g.projection, n.partition, coalesce(p.position, 0) AS position, e.log_end,
       CASE WHEN i.idle THEN 0
            WHEN e.log_end < coalesce(p.position, 0) THEN NULL
            WHEN s.owned THEN e.log_end - coalesce(p.position, 0)
            WHEN s.contended THEN nullif(e.log_end - coalesce(p.position, 0), 0) END AS lag,
       p.record_time,
       greatest(CASE WHEN p.position < e.log_end
                     THEN now() - coalesce(p.record_time, s.heard_at)
                     ELSE now() - s.heard_at END, interval '0') AS age,
       CASE WHEN i.idle THEN ''
            WHEN s.owned THEN h.trouble
            WHEN s.contended THEN h.contender
            WHEN s.heard_at IS NULL THEN 'no process has taken it yet: start one that projects '
                 || g.projection
            ELSE 'no process projects it since ' || to_char(s.heard_at AT TIME ZONE 'UTC',
                 'YYYY-MM-DD HH24:MI:SS"Z"') || coalesce(', when process '
                 || substring(h.owner FROM '^[^:]*:([0-9]+):') || ' on '
                 || substring(h.owner FROM '^([^:]*):[0-9]+:')
                 || CASE WHEN h.released THEN ' let go of it' ELSE ' was heard last' END, '')
                 || coalesce(v.why, '') || coalesce('; ' || v.built, '')
       END AS trouble,
       s.owned, h.owner, h.claimed_at, now() - s.heard_at AS silent,
       CASE WHEN i.idle OR s.owned AND coalesce(h.trouble, '') = ''
                 AND coalesce(p.position, 0) >= e.log_end THEN 0
            WHEN coalesce(o.oldest_at, s.heard_at) IS NOT NULL
            THEN extract(epoch FROM greatest(now() - coalesce(o.oldest_at, s.heard_at),
                                             interval '0')) END::double precision
         AS freshness_seconds,
       v.built,
       CASE WHEN i.idle THEN 'no process projects it, and its log has no records: nothing waits'
       END COLLATE "C" AS note
FROM sluice.projection g
CROSS JOIN LATERAL generate_series(0, g.partitions - 1) AS n(partition)
LEFT JOIN sluice.position p ON p.projection = g.projection AND p.generation = g.generation
     AND p.partition = n.partition
LEFT JOIN sluice.heartbeat h ON h.projection = g.projection AND h.generation = g.generation
     AND h.partition = n.partition
-- OFFSET 0: worked out once a row, not wherever it is used.
CROSS JOIN LATERAL (
  -- A time ahead of the clock is no word of now: the clock was set back since.
  SELECT greatest(CASE WHEN h.seen_at > now() THEN now() ELSE h.seen_at END,
                  CASE WHEN p.updated_at > now() THEN now() ELSE p.updated_at END) AS heard_at,
         coalesce(NOT h.released
                  AND (h.seen_at BETWEEN now() - interval '5 s' AND now() + interval '5 s'
                       OR p.updated_at BETWEEN now() - interval '5 s' AND now() + interval '5 s'),
                  false) AS owned,
         coalesce(h.contender_at
                  BETWEEN now() - interval '5 s' AND now() + interval '5 s', false) AS contended
  OFFSET 0
) AS s
CROSS JOIN LATERAL (
  -- What stands still may do so since its log was restored, and ends before the view.
  SELECT greatest(CASE WHEN s.owned AND h.trouble <> '' THEN NULL ELSE p.position END,
                  CASE WHEN h.seen_at < p.updated_at THEN greatest(h.log_end, p.log_end)
                       ELSE coalesce(h.log_end, p.log_end, 0) END) AS log_end
  OFFSET 0
) AS e
CROSS JOIN LATERAL (
  SELECT CASE WHEN NOT s.owned AND NOT s.contended AND e.log_end = 0
              THEN sluice.has_no_records(g.projection) ELSE false END AS idle
) AS i
CROSS JOIN LATERAL (
  -- A flush since the last word knows better: what it left is later than what it took.
  SELECT CASE WHEN h.seen_at < p.updated_at
              THEN CASE WHEN p.position >= p.log_end THEN p.updated_at
                        ELSE greatest(h.oldest_at, p.record_time) END
              ELSE h.oldest_at END AS oldest_at
) AS o
CROSS JOIN LATERAL (
  SELECT CASE WHEN NOT s.owned
              THEN sluice.other_rules(g.projection, g.generation, g.version) END AS why,
         CASE WHEN NOT s.owned THEN sluice.built_beside(g.projection, g.generation) END AS built
) AS v
WHERE g.live;
COMMENT ON VIEW sluice.freshness IS
  'Every partition of the live generations: lag in records, null where nobody has told the log''s'
  ' end for 5 seconds, or the log ends before the view; age of what is shown, or of the last word of its owner; why it stands'
  ' still, where it does; whether a process has it, which, since when, and when it spoke last;'
  ' freshness_seconds: how long the log has had the oldest record that the view lacks, 0: none; it'
  ' grows while the partition stands still or nobody has it, since the last word that knew of none;'
  ' built: where no process has it, which generation is built beside, how far, and by whom; note:'
  ' that nobody projects it and its log has no records, so nothing stands still.';

CREATE OR REPLACE VIEW sluice.computation AS
SELECT p.projection, p.partition, h.due, h.computing, h.failing,
       CASE WHEN h.due_since IS NOT NULL THEN greatest(now() - h.due_since, interval '0') END
         AS oldest_due,
       p.published,
       CASE WHEN p.published_at IS NOT NULL THEN greatest(now() - p.published_at, interval '0') END
         AS published_age
FROM sluice.position p JOIN sluice.heartbeat h USING (projection, generation, partition)
JOIN sluice.projection g USING (projection, generation)
WHERE g.live AND h.due IS NOT NULL;
COMMENT ON VIEW sluice.computation IS
  'Live generations with computed tables: keys whose rows are behind their input, which of them are'
  ' being computed or fail, how long the oldest has waited; how often rows were published, and how'
  ' long ago. As the owner said a second ago, or before it went: sluice.freshness has its age.';

ALTER TABLE sluice.position DROP COLUMN IF EXISTS trouble, DROP COLUMN IF EXISTS due,
  DROP COLUMN IF EXISTS computing, DROP COLUMN IF EXISTS failing, DROP COLUMN IF EXISTS due_since;

CREATE OR REPLACE FUNCTION sluice.wait_for(token text, timeout interval DEFAULT '30s')
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  deadline timestamptz := clock_timestamp() + timeout;
  part text;
  reached boolean;
  elsewhere text;
  pause double precision := 0.002;
BEGIN
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE EXCEPTION 'sluice.wait_for needs READ COMMITTED: this snapshot cannot move'
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF token = '' THEN RETURN true; END IF;
  FOREACH part IN ARRAY string_to_array(token, ',') LOOP
    IF part !~ '^[a-z][a-z0-9_]*(~[a-z0-9]{6})?:[0-9]{1,9}@[0-9]{1,18}$' THEN
      RAISE EXCEPTION 'malformed token: "%"', part
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'as in deliberation~k3f9q2:3@812,people~k3f9q2:0@17';
    END IF;
  END LOOP;
  LOOP
    -- A statement of its own: in READ COMMITTED it sees what was committed meanwhile.
    SELECT bool_and(coalesce(p.position >= w.place[4]::bigint, false)),
           min(format('"%s" is of another log than the view of %s partition %s, which stands on %s',
                      w.place[5], p.projection, p.partition, left(p.log_identity, 6)))
             FILTER (WHERE left(p.log_identity, 6) <> w.place[2])
      INTO reached, elsewhere
    FROM (SELECT regexp_match(wanted, '^([^:~]+)(?:~([^:]+))?:([0-9]+)@([0-9]+)$') || wanted AS place
          FROM unnest(string_to_array(token, ',')) AS wanted) AS w
    LEFT JOIN (sluice.position p JOIN sluice.projection g USING (projection, generation))
      ON g.live AND p.projection = w.place[1] AND p.partition = w.place[3]::integer;
    IF elsewhere IS NOT NULL THEN
      RAISE EXCEPTION '%: it is never reached here', elsewhere
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'the log was made anew, or the event was posted to another system: '
                     'see sluice status';
    END IF;
    IF reached THEN RETURN true; END IF;
    IF clock_timestamp() >= deadline THEN RETURN false; END IF;
    PERFORM pg_sleep(least(pause, extract(epoch FROM deadline - clock_timestamp())));
    pause := least(pause * 1.5, 0.05);
  END LOOP;
END $$;
COMMENT ON FUNCTION sluice.wait_for(text, interval) IS
  'True once every view has reached the token that ingest answered with; false after the timeout.';

-- They change what only the owner may.
REVOKE ALL ON FUNCTION sluice.note_phase(text, integer), sluice.make_keys(text, integer),
  sluice.note_ready(text, integer, bigint) FROM PUBLIC;

DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['sluice_writer', 'sluice_reader'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      END IF;
      EXECUTE format('GRANT USAGE ON SCHEMA sluice TO %I', role);
      EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA sluice TO %I', role);
      EXECUTE format('GRANT EXECUTE ON FUNCTION sluice.wait_for(text, interval) TO %I', role);
    EXCEPTION WHEN insufficient_privilege OR undefined_object OR unique_violation
              OR duplicate_object THEN
      RAISE NOTICE 'role % could not be made or granted to: %', role, SQLERRM;
    END;
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_writer') THEN
    GRANT INSERT, UPDATE, DELETE
      ON sluice.position, sluice.heartbeat, sluice.rejection, sluice.quarantine, sluice.decision,
         sluice.due, sluice.process, sluice.audit, sluice.audit_difference
      TO sluice_writer;
    GRANT UPDATE (log) ON sluice.projection TO sluice_writer;
    GRANT EXECUTE ON FUNCTION sluice.note_phase(text, integer), sluice.make_keys(text, integer),
      sluice.note_ready(text, integer, bigint) TO sluice_writer;
    GRANT INSERT, UPDATE ON sluice.request TO sluice_writer;
    DROP POLICY IF EXISTS of_auditors ON sluice.audit_difference;
    CREATE POLICY of_auditors ON sluice.audit_difference TO sluice_writer
      USING (true) WITH CHECK (true);
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'grants on schema sluice were not made: %', SQLERRM;
END $$;
