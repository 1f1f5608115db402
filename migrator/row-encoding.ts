import { isUtf8 } from 'node:buffer';
import type { Column } from './table-kinds.ts';

/** PostgreSQL's text may have a gigabyte less a header; Node's own strings end before that. */
const TEXT_BYTES_MAX = 512 * 1024 * 1024;
const INTEGER_LIMITS = { int4: 2n ** 31n, int8: 2n ** 63n };

/** PGCOPY signature, flags and header extension length: PostgreSQL manual, COPY, "Binary Format". */
export const COPY_BINARY_HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
export const COPY_BINARY_TRAILER = Buffer.from([0xff, 0xff]);

/** A value that the target's column cannot hold as it is. */
export interface BadValue {
  column: string;
  reason: string;
}

/**
 * Writes rows as tuples of COPY's binary format, which carries text as it is, byte for byte, and needs no escaping.
 * The returned buffers are views of one buffer that the next call overwrites.
 */
export class RowEncoder {
  private buffer = Buffer.allocUnsafe(64 * 1024);
  private readonly columns: Column[];
  private readonly lenient: boolean;

  /**
   * @param options `lenient` encodes what PostgreSQL cannot hold as well, as bytes that no row of PostgreSQL has: for rows
   *   that are hashed and not sent
   */
  constructor(columns: Column[], { lenient = false } = {}) {
    this.columns = columns;
    this.lenient = lenient;
  }

  /**
   * @param values one for each column: a Buffer for text, a bigint for integers, null where SQLite holds another type
   * @param offset the position in `values` of the first column
   * @returns the fields of the tuple (the input of the row's hash), or the first value that does not fit
   */
  encode(values: unknown[], offset: number): Buffer | BadValue {
    let end = 2;
    for (let index = 0; index < this.columns.length; index++) {
      const { name, type } = this.columns[index] as Column;
      const value = values[index + offset];
      if (this.lenient) {
        end = this.encodeAny(value, type, end);
      } else if (type === 'text') {
        if (!Buffer.isBuffer(value)) return { column: name, reason: 'not text' };
        if (value.includes(0)) return { column: name, reason: 'a NUL byte, which PostgreSQL cannot hold' };
        if (!isUtf8(value)) return { column: name, reason: 'invalid UTF-8' };
        if (value.length > TEXT_BYTES_MAX) return { column: name, reason: `${value.length} bytes of text` };
        this.reserve(end + 4 + value.length);
        end = this.buffer.writeInt32BE(value.length, end);
        end += value.copy(this.buffer, end);
      } else {
        const limit = INTEGER_LIMITS[type];
        if (typeof value !== 'bigint') return { column: name, reason: 'not an integer' };
        if (value >= limit || value < -limit)
          return { column: name, reason: `${value} is out of the range of ${type}` };
        this.reserve(end + 12);
        end = this.buffer.writeInt32BE(type === 'int8' ? 8 : 4, end);
        end = type === 'int8' ? this.buffer.writeBigInt64BE(value, end) : this.buffer.writeInt32BE(Number(value), end);
      }
    }
    return this.buffer.subarray(2, end);
  }

  /** Equal to what `encode` makes of a value that fits; a number that is too large for its column is the longer one. */
  private encodeAny(value: unknown, type: Column['type'], start: number): number {
    if (Buffer.isBuffer(value)) {
      this.reserve(start + 4 + value.length);
      const end = this.buffer.writeInt32BE(value.length, start);
      return end + value.copy(this.buffer, end);
    }
    this.reserve(start + 12);
    if (typeof value !== 'bigint') return this.buffer.writeInt32BE(-1, start);
    const isShort = type === 'int4' && value < INTEGER_LIMITS.int4 && value >= -INTEGER_LIMITS.int4;
    const end = this.buffer.writeInt32BE(isShort ? 4 : 8, start);
    return isShort ? this.buffer.writeInt32BE(Number(value), end) : this.buffer.writeBigInt64BE(value, end);
  }

  /** The tuple whose fields `encode` has just returned, with further fields (of `bytea`) behind them. */
  tuple(fields: Buffer, ...extra: Buffer[]): Buffer {
    let end = fields.length + 2;
    for (const field of extra) {
      this.reserve(end + 4 + field.length);
      end = this.buffer.writeInt32BE(field.length, end);
      end += field.copy(this.buffer, end);
    }
    this.buffer.writeInt16BE(this.columns.length + extra.length, 0);
    return this.buffer.subarray(0, end);
  }

  private reserve(bytes: number): void {
    if (bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes, this.buffer.length * 2));
    this.buffer.copy(larger);
    this.buffer = larger;
  }
}
