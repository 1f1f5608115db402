import { isUtf8 } from 'node:buffer';
import type { Column } from './table-kinds.ts';

/** PostgreSQL's text may have a gigabyte less a header; Node's own strings end before that. */
const TEXT_BYTES_MAX = 512 * 1024 * 1024;
/** A double has every integer up to here, and beyond only some. */
const DOUBLE_INTEGER_MAX = 2n ** 53n;
const INTEGER_LIMITS = { int4: 2n ** 31n, int8: 2n ** 63n };
type IntegerType = keyof typeof INTEGER_LIMITS;

/** A UTF-16 code unit takes no more bytes than that. */
const UTF8_BYTES_MAX = 3;

/** PGCOPY signature, flags and header extension length: PostgreSQL manual, COPY, "Binary Format". */
export const COPY_BINARY_HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
export const COPY_BINARY_TRAILER = Buffer.from([0xff, 0xff]);

/** A value that the target's column cannot hold as it is. */
export interface BadValue {
  column: string;
  reason: string;
}

/** Source: PostgreSQL, pg_type.dat. */
const TYPE_OIDS = { text: 25, int8: 20, int4: 23, float8: 701, bytea: 17 };

/** In the place of a length: the value is NULL. Source: PostgreSQL manual, COPY, "Binary Format". */
const NULL_LENGTH = -1;
/** No value of PostgreSQL has this length, not even NULL. */
const UNFIT_LENGTH = -2;

const RECORD_HEADER_BYTES = 4;
const FIELD_HEADER_BYTES = 8;
const OID_BYTES = 4;

/**
 * Writes rows as records, which are hashed, and as tuples of COPY's binary format, which are sent. Both carry text as it is,
 * byte for byte, and need no escaping. The returned buffers are views of two buffers that the next call overwrites.
 *
 * A record is what PostgreSQL's `record_send` makes of the row: the number of columns, then for each its type's OID, its
 * length and its bytes. A tuple has no OIDs. Source: PostgreSQL manual, COPY, "Binary Format".
 */
export class RowEncoder {
  private buffer = Buffer.allocUnsafe(64 * 1024);
  private tuples = Buffer.allocUnsafe(64 * 1024);
  private readonly columns: Column[];
  private readonly lenient: boolean;

  /**
   * @param options `lenient` encodes what PostgreSQL cannot hold as well, as bytes that no row of PostgreSQL has: for rows
   *   that are hashed and not sent
   */
  constructor(columns: Column[], { lenient = false } = {}) {
    this.columns = columns;
    this.lenient = lenient;
    this.buffer.writeInt32BE(columns.length, 0);
  }

  /**
   * The fast way, for values as SQLite's driver gives them: strings take a fraction of the time that a Buffer a value takes.
   *
   * @param values one for each column: a string for text, a bigint for integers, a number for reals, null for NULL
   * @param offset the position in `values` of the first column
   * @returns the record, the same as `encode` makes of the same row; undefined where only its bytes can tell whether it fits: the driver reads
   *   bytes that are no UTF-8 as U+FFFD, which may as well stand there
   */
  encodeText(values: unknown[], offset: number): Buffer | undefined {
    let end = RECORD_HEADER_BYTES;
    for (let index = 0; index < this.columns.length; index++) {
      const { type, nullable } = this.columns[index] as Column;
      const value = values[index + offset];
      if (nullable && value === null) {
        end = this.writeEmpty(type, NULL_LENGTH, end);
      } else if (type === 'text') {
        if (typeof value !== 'string' || value.includes('\0') || value.includes('\uFFFD')) return undefined;
        this.reserve(end + FIELD_HEADER_BYTES + value.length * UTF8_BYTES_MAX);
        const length = this.buffer.write(value, end + FIELD_HEADER_BYTES);
        end = this.writeFieldHeader(type, length, end) + length;
      } else if (type === 'float8' || type === 'bytea') {
        // Only generic tables have these; a blob comes as its bytes, as a large text does.
        return undefined;
      } else {
        if (typeof value !== 'bigint' || !fits(value, type)) return undefined;
        end = this.writeInteger(value, type, end);
      }
    }
    return this.buffer.subarray(0, end);
  }

  /**
   * @param values one for each column: a Buffer for text and blobs, a bigint for integers, a number for reals; null for
   *   NULL. Where SQLite holds a value of another type: null, or in a nullable column one that its type has not
   * @param offset the position in `values` of the first column
   * @returns the record, or the first value that does not fit
   */
  encode(values: unknown[], offset: number): Buffer | BadValue {
    let end = RECORD_HEADER_BYTES;
    for (let index = 0; index < this.columns.length; index++) {
      const { name, type, nullable } = this.columns[index] as Column;
      const value = values[index + offset];
      if (this.lenient) {
        end = this.encodeAny(value, type, end);
      } else if (nullable && value === null) {
        end = this.writeEmpty(type, NULL_LENGTH, end);
      } else if (type === 'bytea') {
        if (!Buffer.isBuffer(value)) return { column: name, reason: 'not a blob' };
        if (value.length > TEXT_BYTES_MAX) return { column: name, reason: `${value.length} bytes` };
        end = this.writeBytes(value, type, end);
      } else if (type === 'float8') {
        if (typeof value !== 'number' && typeof value !== 'bigint') return { column: name, reason: 'not a number' };
        if (toDouble(value) === undefined) return { column: name, reason: `${value} is not exact in ${type}` };
        end = this.encodeAny(value, type, end);
      } else if (type === 'text') {
        if (!Buffer.isBuffer(value)) return { column: name, reason: 'not text' };
        if (value.includes(0)) return { column: name, reason: 'a NUL byte, which PostgreSQL cannot hold' };
        if (!isUtf8(value)) return { column: name, reason: 'invalid UTF-8' };
        if (value.length > TEXT_BYTES_MAX) return { column: name, reason: `${value.length} bytes of text` };
        end = this.writeBytes(value, type, end);
      } else {
        if (typeof value !== 'bigint') return { column: name, reason: 'not an integer' };
        if (!fits(value, type)) return { column: name, reason: `${value} is out of the range of ${type}` };
        end = this.writeInteger(value, type, end);
      }
    }
    return this.buffer.subarray(0, end);
  }

  /** Equal to what `encode` makes of a value that fits; a number that is too large for its column is the longer one. */
  private encodeAny(value: unknown, type: Column['type'], start: number): number {
    if (value === null) return this.writeEmpty(type, NULL_LENGTH, start);
    if (type === 'text' || type === 'bytea')
      return Buffer.isBuffer(value) ? this.writeBytes(value, type, start) : this.writeEmpty(type, UNFIT_LENGTH, start);
    if (type === 'float8') {
      const double = toDouble(value);
      if (double === undefined) return this.writeEmpty(type, UNFIT_LENGTH, start);
      return this.buffer.writeDoubleBE(double, this.writeEmpty(type, 8, start));
    }
    if (typeof value !== 'bigint') return this.writeEmpty(type, UNFIT_LENGTH, start);
    return this.writeInteger(value, type === 'int4' && fits(value, type) ? 'int4' : 'int8', start);
  }

  /** A field's header with room for eight bytes behind it. */
  private writeEmpty(type: Column['type'], length: number, start: number): number {
    this.reserve(start + FIELD_HEADER_BYTES + 8);
    return this.writeFieldHeader(type, length, start);
  }

  private writeBytes(value: Buffer, type: Column['type'], start: number): number {
    this.reserve(start + FIELD_HEADER_BYTES + value.length);
    const end = this.writeFieldHeader(type, value.length, start);
    return end + value.copy(this.buffer, end);
  }

  private writeInteger(value: bigint, type: IntegerType, start: number): number {
    this.reserve(start + FIELD_HEADER_BYTES + 8);
    const end = this.writeFieldHeader(type, type === 'int8' ? 8 : 4, start);
    return type === 'int8' ? this.buffer.writeBigInt64BE(value, end) : this.buffer.writeInt32BE(Number(value), end);
  }

  private writeFieldHeader(type: Column['type'], length: number, start: number): number {
    return this.buffer.writeInt32BE(length, this.buffer.writeInt32BE(TYPE_OIDS[type], start));
  }

  /** The tuple of a record, with further fields (of `bytea`) behind those of the row. */
  tuple(record: Buffer, ...extra: Buffer[]): Buffer {
    const bytes = record.length + extra.reduce((sum, field) => sum + 4 + field.length, 0);
    if (bytes > this.tuples.length) this.tuples = Buffer.allocUnsafe(Math.max(bytes, this.tuples.length * 2));
    let end = this.tuples.writeInt16BE(this.columns.length + extra.length, 0);
    for (let start = RECORD_HEADER_BYTES; start < record.length; ) {
      const next = start + FIELD_HEADER_BYTES + Math.max(record.readInt32BE(start + OID_BYTES), 0);
      end += record.copy(this.tuples, end, start + OID_BYTES, next);
      start = next;
    }
    for (const field of extra) {
      end = this.tuples.writeInt32BE(field.length, end);
      end += field.copy(this.tuples, end);
    }
    return this.tuples.subarray(0, end);
  }

  private reserve(bytes: number): void {
    if (bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes, this.buffer.length * 2));
    this.buffer.copy(larger);
    this.buffer = larger;
  }
}

/** The double that a value of SQLite is without loss. SQLite has no NaN, and PostgreSQL has its infinities and its -0. */
function toDouble(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'bigint' || value > DOUBLE_INTEGER_MAX || value < -DOUBLE_INTEGER_MAX) return undefined;
  return Number(value);
}

function fits(value: bigint, type: IntegerType): boolean {
  const limit = INTEGER_LIMITS[type];
  return value < limit && value >= -limit;
}
