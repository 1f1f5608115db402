import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { createRelayTables, eventWriter, generateEvent, randomNumbers } from './relay-source.ts';

// Writes to a relay's file without end, as the relay itself does: WAL mode, one transaction after the other, now and then
// a checkpoint. After each 20 transactions it prints how many there were; any line on standard input ends it, and the
// file is left as it is, with all that stands in the WAL.
const [path = ''] = process.argv.slice(2);
const database = new Database(path);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = NORMAL');
// The checkpoints below are enough: where one follows the other, no copy between two of them can be had.
database.pragma('wal_autocheckpoint = 0');
database.pragma('foreign_keys = ON');

const random = randomNumbers(3);
const write = eventWriter(database);
const one = (sql: string) => database.prepare(sql);
const anyEvent = '(SELECT rowid FROM relay__events WHERE rowid >= ? LIMIT 1)';
const deleteEvent = one(`DELETE FROM relay__events WHERE rowid = ${anyEvent}`);
const changeEvent = one(`UPDATE relay__events SET sig = ? WHERE rowid = ${anyEvent}`);
const doubleTag = one('INSERT INTO relay__event_tags SELECT * FROM relay__event_tags WHERE rowid >= ? LIMIT 2');
const removeTag = one(
  'DELETE FROM relay__event_tags WHERE rowid = (SELECT rowid FROM relay__event_tags WHERE rowid >= ? LIMIT 1)',
);
const setKeyValue = one('INSERT OR REPLACE INTO kv VALUES (?, ?)');
const deleteKeyValue = one('DELETE FROM kv WHERE key = ?');
const lastRow = one('SELECT max(rowid) FROM relay__events').pluck();

const step = database.transaction((count: number) => {
  const place = Math.floor(random() * (lastRow.get() as number));
  for (let event = 0; event < 3; event++) write(generateEvent(random));
  deleteEvent.run(place);
  changeEvent.run(`signature ${count}`, place);
  doubleTag.run(place);
  removeTag.run(place * 2);
  setKeyValue.run(`key ${count % 40}`, `value ${count}`);
  deleteKeyValue.run(`key ${(count * 7) % 40}`);
});

let stopped = false;
createInterface(process.stdin).once('line', () => {
  stopped = true;
});
for (let count = 1; !stopped; count++) {
  step(count);
  if (count === 100) {
    createRelayTables(database, 'late');
    const writeLate = eventWriter(database, 'late');
    database.transaction(() => {
      for (let event = 0; event < 30; event++) writeLate(generateEvent(random));
    })();
  }
  if (count % 250 === 0) database.pragma('wal_checkpoint(TRUNCATE)');
  if (count % 20 === 0) process.stdout.write(`${count}\n`);
  await pause(5);
}
process.kill(process.pid, 'SIGKILL');
