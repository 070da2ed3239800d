/**
 * The random numbers of NumPy's `default_rng(seed)`, bit for bit: SeedSequence, PCG64 (O'Neill, 2014), normal
 * numbers by the ziggurat. Normal numbers of the far tail, 1 of 4000, may differ in the last bit: they need log.
 */

import { HEIGHT, INSIDE, SCALE, TAIL } from "./ziggurat.js";

const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL = 4;

/** One way to hash words into each other; the constant changes with every use. @param {number} start @param {number} factor */
function hasher(start, factor) {
  let constant = start;
  return (/** @type {number} */ word) => {
    let value = word ^ constant;
    constant = Math.imul(constant, factor);
    value = Math.imul(value, constant);
    return (value ^ (value >>> 16)) >>> 0;
  };
}

/** @param {number} x @param {number} y */
function mixed(x, y) {
  const value = (Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715)) >>> 0;
  return (value ^ (value >>> 16)) >>> 0;
}

/** 32-bit words of a seed, lowest first. @param {number} seed */
function words(seed) {
  const out = [];
  for (let rest = BigInt(seed); rest > 0n; rest >>= 32n) out.push(Number(rest & 0xffffffffn));
  return out.length ? out : [0];
}

/** The pool of entropy of `SeedSequence(seed)`; seeds are safe integers, so two words at most. @param {number} seed */
function pool(seed) {
  const given = words(seed);
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const out = Array.from({ length: POOL }, (_, i) => hash(given[i] ?? 0));
  for (let from = 0; from < POOL; from++)
    for (let to = 0; to < POOL; to++) if (from !== to) out[to] = mixed(out[to], hash(out[from]));
  return out;
}

/** Four 64-bit words that begin the generator. @param {number} seed */
function beginnings(seed) {
  const hash = hasher(0x8b51f9dd, 0x58f38ded);
  const source = pool(seed);
  const halves = Array.from({ length: 2 * POOL }, (_, i) => BigInt(hash(source[i % POOL])));
  return [0, 1, 2, 3].map((i) => halves[2 * i] | (halves[2 * i + 1] << 32n));
}

export class Generator {
  /** @param {number} seed  a whole number from 0 to 2^53 - 1 */
  constructor(seed) {
    const [high, low, streamHigh, streamLow] = beginnings(seed);
    this.increment = ((((streamHigh << 64n) | streamLow) << 1n) | 1n) & MASK128;
    this.state = this.increment;
    this.state = this.#after((this.state + ((high << 64n) | low)) & MASK128);
  }

  /** @param {bigint} state */
  #after(state) {
    return (state * MULTIPLIER + this.increment) & MASK128;
  }

  /** 64 random bits: the halves of the state in one word, rotated by its highest bits. */
  bits() {
    this.state = this.#after(this.state);
    const value = (this.state >> 64n) ^ (this.state & MASK64);
    const turn = this.state >> 122n;
    return ((value >> turn) | (value << (64n - turn))) & MASK64;
  }

  /** Uniform on [0, 1). */
  random() {
    return Number(this.bits() >> 11n) * 2 ** -53;
  }

  /** @param {number} low @param {number} high @param {number} size */
  uniform(low, high, size) {
    return Float64Array.from({ length: size }, () => low + (high - low) * this.random());
  }

  /** @param {number} size */
  normals(size) {
    return Float64Array.from({ length: size }, () => this.normal());
  }

  normal() {
    for (;;) {
      const bits = this.bits();
      const layer = Number(bits & 0xffn);
      const sign = bits & 0x100n ? -1 : 1;
      const whole = Number((bits >> 9n) & 0xfffffffffffffn);
      const x = sign * whole * SCALE[layer];
      if (whole < INSIDE[layer]) return x;
      if (layer === 0) return this.#tail(whole);
      const y = HEIGHT[layer] + (HEIGHT[layer - 1] - HEIGHT[layer]) * this.random();
      if (y < Math.exp(-0.5 * x * x)) return x;
    }
  }

  /** Beyond the last layer, by Marsaglia's method; the sign comes from a bit of the draw. @param {number} whole */
  #tail(whole) {
    for (;;) {
      const x = -(1 / TAIL) * Math.log1p(-this.random());
      const y = -Math.log1p(-this.random());
      if (y + y > x * x) return Math.floor(whole / 256) % 2 ? -(TAIL + x) : TAIL + x;
    }
  }
}
