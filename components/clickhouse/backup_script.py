"""The scripts of the Jobs that make, list, delete and restore backups: sh, with the client and the local engine of the
servers' own image, and nothing else.

A chain is one full backup and the incremental ones made on top of it, `<time of the full one>/full` and
`<time of the full one>/<time>`. Each incremental one needs its full one and no other. A backup is complete when its file
`.backup` is there, which ClickHouse writes last.
"""

from __future__ import annotations

STALE_HOURS = 48
"""After these, a backup that was never completed is deleted; none may take so long."""

COMMON = """\
work=$(mktemp -d)
objects="file('$work/objects.tsv', 'TSV', 'chain String, backup String, name String, size UInt64')"
say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }
fail() { say "ERROR: $*" >&2; exit 1; }
# ask <host:port> <query>
ask() {
  clickhouse-client --host "${1%:*}" --port "${1##*:}" --connect_timeout 5 --receive_timeout 300 --query "$2"
}
# here <query>: in this pod, with its own identity; by a file, because a query can hold the store's key
here() {
  printf '%s;\\n' "$1" > "$work/query.sql"
  clickhouse-local --config-file "$work/config.xml" --queries-file "$work/query.sql"
}
printf %s "$CONFIGURATION" > "$work/config.xml"
# newer versions let SQL use the pod's identity only when told to; older ones do not know the setting
allow=$(here "SELECT arrayStringConcat(groupArray('SET ' || name || ' = 1; ')) FROM system.settings
  WHERE name IN ('s3_allow_server_credentials_in_user_queries', 'azure_allow_server_credentials_in_user_queries')")
stamp='[0-9]{8}T[0-9]{6}Z'
# empty objects are objects too; and without the last one, ClickHouse gets every object that it only has to list
LIST_SETTINGS='s3_skip_empty_files = 0, azure_skip_empty_files = 0, remote_filesystem_read_prefetch = 0'
list() {
  here "$allow WITH substring(_path, position(_path, '$ROOT') + length('$ROOT')) AS below
    SELECT extract(below, '^[^/]+'), extract(below, '^[^/]+/([^/]+)'), below, assumeNotNull(_size) FROM $LISTING
    WHERE match(below, '^$stamp/(full|$stamp)/.') SETTINGS $LIST_SETTINGS FORMAT TSV" > "$work/objects.tsv" ||
    fail "the store of the backups cannot be listed"
  backups="(SELECT chain, backup, if(backup = 'full', chain, backup) AS made, sum(size) AS bytes, count() AS files,
    max(name = chain || '/' || backup || '/.backup') AS complete FROM $objects GROUP BY chain, backup)"
}
# show: what there is, the newest last
show() {
  here "SELECT chain || '/' || backup, formatReadableSize(bytes), multiIf(NOT complete, 'not complete',
      chain IN (SELECT chain FROM $backups WHERE backup = 'full' AND complete), 'can be restored',
      'BROKEN: its full backup is not there') FROM $backups ORDER BY made FORMAT TSVRaw" |
    while IFS= read -r line; do say "backup $line"; done
}
# follow <host:port> <id> <what>: until it is over; $status is how it ended
follow() {
  missed=0 polls=0
  while :; do
    if row=$(ask "$1" "SELECT status, num_files, formatReadableSize(total_size), formatReadableSize(uncompressed_size),
        dateDiff('second', start_time, if(toUnixTimestamp(end_time) = 0, now(), end_time)),
        replaceRegexpAll(error, '\\\\s+', ' ') FROM system.backups WHERE id = '$2' FORMAT TSVRaw"); then
      [ -n "$row" ] || fail "$1 knows nothing of $3 any more: it restarted. What is half made is deleted later"
      missed=0
      status=$(echo "$row" | cut -f 1)
      seconds=$(echo "$row" | cut -f 5)
      case $status in
      CREATING_BACKUP | RESTORING)
        [ $((polls % 4)) -ne 0 ] || say "$3 is running, $seconds s so far" ;;
      BACKUP_CREATED | RESTORED)
        say "$3 is complete: $(echo "$row" | cut -f 2) files, $(echo "$row" | cut -f 3), of which $(echo "$row" | cut -f 4)" \\
          "in this backup, $seconds s"
        return ;;
      *) fail "$3: $status after $seconds s: $(echo "$row" | cut -f 6-)" ;;
      esac
    else
      missed=$((missed + 1))
      [ "$missed" -lt 20 ] || fail "$1 does not answer any more; $3 may still be running there"
    fi
    polls=$((polls + 1))
    sleep "${PAUSE:-15}"
  done
}
"""

BACKUP = (
    COMMON
    + """\
now=$(date -u +%Y%m%dT%H%M%SZ)
age() { echo "dateDiff('second', parseDateTime($1, '%Y%m%dT%H%i%sZ', 'UTC'), parseDateTime('$now', '%Y%m%dT%H%i%sZ', 'UTC'))"; }
quoted=$(echo "'$DATABASES'" | sed "s/ /', '/g")

# the replica that is furthest, unless a backup is already being made somewhere
best='' least=''
for host in $HOSTS; do
  if ! busy=$(ask "$host" "SELECT id, status FROM system.backups WHERE status IN ('CREATING_BACKUP', 'RESTORING') LIMIT 1"); then
    say "$host does not answer"
    continue
  fi
  case $busy in
  *RESTORING) fail "$host is restoring; a backup of that would be of no use" ;;
  ?*) break ;;
  esac
  delay=$(ask "$host" "SELECT if(max(is_readonly), 'readonly', toString(max(absolute_delay))) FROM system.replicas
    WHERE database IN ($quoted)") || continue
  [ "$delay" != readonly ] || { say "$host has read-only tables"; continue; }
  if [ -z "$best" ] || [ "$delay" -lt "$least" ]; then best=$host least=$delay; fi
done

if [ -n "${busy:-}" ]; then
  running=$(echo "$busy" | cut -f 1)
  say "$host is already making the backup $running, of an earlier run: waiting for that one"
  follow "$host" "$running" "backup $running"
  list
else
  [ -n "$best" ] || fail "no replica is fit for a backup"
  list
  present=$(ask "$best" "SELECT name FROM system.databases WHERE name IN ($quoted) ORDER BY name")
  newest=$(here "SELECT max(chain) FROM $backups WHERE backup = 'full' AND complete")
  if ! echo "$present" | grep -qx "${DATABASES%% *}"; then
    [ -z "$newest" ] || fail "$best has no database ${DATABASES%% *}, which was there before: nothing is backed up or deleted"
    say "there is no database ${DATABASES%% *} yet: nothing to back up"
    exit 0
  fi
  # a schedule never starts to the second
  due=$((FULL_EVERY_DAYS * 86400 - 21600))
  if [ -n "$newest" ] && [ "$(here "SELECT $(age "'$newest'") < $due")" = 1 ]; then
    name="$newest/$now" kind=incremental base=", base_backup = Disk('$DISK', '$SHARD/$newest/full')"
  else
    name="$now/full" kind=full base=''
  fi
  what=$(echo "$present" | sed 's/^/DATABASE /' | paste -sd ,)
  say "starting the $kind backup $name on $best, which is $least s behind"
  ask "$best" "BACKUP $what TO Disk('$DISK', '$SHARD/$name') SETTINGS id = '$name'$base ASYNC" > "$work/started" ||
    fail "$best refused to start the backup"
  follow "$best" "$name" "backup $name"
  list
  [ "$(here "SELECT count() FROM $backups WHERE chain || '/' || backup = '$name' AND complete")" = 1 ] ||
    fail "ClickHouse says that $name is complete, and it is not in the store"
fi

# Only after a good backup is anything deleted: whole chains whose last backup is too old, never the newest; what was never
# completed. Marks of completeness go first, those of full backups last: what is half deleted must not look whole.
gone="SELECT name, chain, backup, size FROM $objects AS o WHERE
  chain IN (SELECT chain FROM $backups WHERE chain < (SELECT max(chain) FROM $backups WHERE backup = 'full' AND complete)
    GROUP BY chain HAVING min($(age "made")) > $KEEP_DAYS * 86400)
  OR (chain, backup) IN (SELECT chain, backup FROM $backups WHERE NOT complete AND $(age "made") > $STALE_HOURS * 3600)"
here "SELECT 'CREATE TEMPORARY TABLE one (x UInt8) ENGINE = ' || \\$before\\$$ENGINE_BEFORE\\$before\\$
    || if($ENCODED, replaceAll(encodeURLComponent(name), '%2F', '/'), name) || \\$after\\$$ENGINE_AFTER\\$after\\$
    || ';\\n' || 'TRUNCATE TABLE one;\\nDROP TABLE one;' FROM ($gone)
  ORDER BY endsWith(name, '/.backup') DESC, backup = 'full' FORMAT TSVRaw" > "$work/delete.sql"
here "SELECT chain || '/' || backup, count(), formatReadableSize(sum(size)) FROM ($gone)
    GROUP BY chain, backup ORDER BY chain, backup FORMAT TSVRaw" |
  while IFS= read -r line; do say "deleting (backup, objects, size) $line"; done
if [ -s "$work/delete.sql" ]; then
  [ -z "$allow" ] || printf '%s\\n' "$allow" | cat - "$work/delete.sql" > "$work/delete-all.sql"
  [ -e "$work/delete-all.sql" ] || mv "$work/delete.sql" "$work/delete-all.sql"
  clickhouse-local --config-file "$work/config.xml" --queries-file "$work/delete-all.sql" ||
    fail "old backups could not be deleted"
  list
  [ "$(here "SELECT count() FROM ($gone)")" = 0 ] || fail "the store kept what was deleted; may this identity delete there?"
fi
show
broken=$(here "SELECT count() FROM $backups WHERE complete AND backup != 'full' AND
  chain NOT IN (SELECT chain FROM $backups WHERE backup = 'full' AND complete)")
[ "$broken" = 0 ] || fail "$broken incremental backups have lost their full one, see above; who deletes in this bucket?"
say "done"
"""
)

RESTORE = (
    COMMON
    + """\
quoted=$(echo "'$DATABASES'" | sed "s/ /', '/g")
list
if [ -z "${BACKUP:-}" ]; then
  show
  say "nothing is restored: name one of these as BACKUP, or latest"
  exit 0
fi
restorable="(SELECT chain || '/' || backup FROM $backups WHERE complete
  AND chain IN (SELECT chain FROM $backups WHERE backup = 'full' AND complete))"
if [ "$BACKUP" = latest ]; then
  BACKUP=$(here "SELECT chain || '/' || backup FROM $backups WHERE chain || '/' || backup IN $restorable ORDER BY made DESC LIMIT 1")
  [ -n "$BACKUP" ] || { show; fail "there is no backup that can be restored"; }
fi
echo "$BACKUP" | grep -Eqx "$stamp/(full|$stamp)" || { show; fail "BACKUP: '$BACKUP' is not the name of a backup, see above"; }
[ "$(here "SELECT '$BACKUP' IN $restorable")" = 1 ] || { show; fail "$BACKUP cannot be restored, see above"; }
ready=''
for host in $HOSTS; do
  if busy=$(ask "$host" "SELECT id FROM system.backups WHERE status IN ('CREATING_BACKUP', 'RESTORING') LIMIT 1"); then
    [ -z "$busy" ] || fail "$host is busy with $busy: wait for that, and suspend the CronJob of the backups"
    rows=$(ask "$host" "SELECT ifNull(sum(total_rows), 0) FROM system.tables WHERE database IN ($quoted)")
    [ "$rows" = 0 ] || fail "$host has $rows rows in $DATABASES: a restore never mixes. Move or drop these databases first"
    ready=${ready:-$host}
  else
    fail "$host does not answer; all replicas are needed"
  fi
done
id="restore $BACKUP $(date -u +%Y%m%dT%H%M%SZ)"
say "restoring $BACKUP on $ready${ON_CLUSTER:+$ON_CLUSTER}"
ask "$ready" "RESTORE ALL${ON_CLUSTER:-} FROM Disk('$DISK', '$SHARD/$BACKUP') SETTINGS id = '$id' ASYNC" > "$work/started" ||
  fail "$ready refused to start the restore"
follow "$ready" "$id" "restore of $BACKUP"
ask "$ready" "SELECT database || '.' || name, ifNull(total_rows, 0) FROM system.tables
    WHERE database IN ($quoted) AND engine LIKE '%MergeTree' ORDER BY database, name FORMAT TSVRaw" |
  while IFS= read -r line; do say "restored (table, rows) $line"; done
say "done"
"""
)
