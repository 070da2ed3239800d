import assert from "node:assert/strict";
import { test } from "node:test";
import { apart } from "../source/drawing/apart.js";
import { etaColor, etaStyle } from "../source/drawing/color.js";
import { fixed, rounded, short } from "../source/drawing/number.js";
import { settings, wrapped } from "../source/drawing/paper.js";
import { thinned } from "../source/drawing/table.js";
import { opening } from "../source/state.js";
import { OPENING } from "../source/setup.js";

test("names that touch are moved apart by as little as possible", () => {
  assert.deepEqual(apart([0, 1, 9], 2, [-5, 20]), [-0.5, 1.5, 9]);
  assert.deepEqual(apart([5, 5, 5], 10, [-100, 100]), [-5, 5, 15]);
});

test("names stay in their room if they fit, keep their order, and never touch", () => {
  assert.deepEqual(apart([0, 0], 2, [0, 10]), [1, 3]);
  const middles = [1, 1.5, 3, 40, 41, 99, 99.5];
  const found = apart(middles, 12, [0, 100]);
  assert.ok(found[0] >= 6 && found[6] <= 94 + 1e-9);
  found.slice(1).forEach((place, i) => assert.ok(place - found[i] >= 12 - 1e-9));
});

test("numbers on axes are those of the figures: zeros, a true minus, thin spaces, powers", () => {
  assert.equal(fixed(12345.678, 1), "12\u202f345.7");
  assert.equal(fixed(-0.25, 2), "−0.25");
  assert.equal(fixed(-0.0001, 2), "0.00");
  assert.deepEqual([0.3, -2, 10_000, 1e-7, 3e-7, -1e-7, 0, 9999].map(short), [
    "0.3",
    "−2",
    "10\u202f000",
    "10⁻⁷",
    "3 × 10⁻⁷",
    "−10⁻⁷",
    "0",
    "9999",
  ]);
  assert.deepEqual(
    [0.5, 0.13742, 1200].map((value) => rounded(value)),
    ["0.5", "0.137", "1200"],
  );
});

test("a step size has the color that it has in the figures", () => {
  const figures = {
    0.001: "#440154",
    0.003: "#440154",
    0.01: "#472d7b",
    0.1: "#2d708e",
    0.8: "#20a486",
    4: "#5ec962",
    9: "#5ec962",
  };
  for (const [eta, color] of Object.entries(figures)) {
    const [found, wanted] = [etaColor(Number(eta)), color].map((hex) =>
      [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)),
    );
    found.forEach((value, i) =>
      assert.ok(Math.abs(value - wanted[i]) <= 4, `${eta}: ${etaColor(Number(eta))} for ${color}`),
    );
  }
});

test("larger steps are lighter, on paper and on dark ground, and can be read on either", () => {
  const light = (/** @type {string} */ hex) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
      const part = parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16) / 255;
      return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    }, 0);
  const contrast = (/** @type {number} */ one, /** @type {number} */ other) =>
    (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  const etas = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 2, 4];
  for (const scheme of /** @type {const} */ (["light", "dark"])) {
    const values = etas.map((eta) => light(etaColor(eta, scheme)));
    values.slice(1).forEach((value, i) => assert.ok(value > values[i]));
    assert.ok(values.every((value) => contrast(value, scheme === "light" ? 1 : light("#16181b")) > 2));
  }
  assert.match(
    etaStyle(0.1),
    /^--eta-light:#2d708e;--eta-dark:#[0-9a-f]{6};--eta-ink-light:#1b4355;--eta-ink-dark:#[0-9a-f]{6}$/,
  );
});

test("lines are wrapped between words, and none is lost", () => {
  const text = "the quick brown fox jumps over the lazy dog";
  const lines = wrapped(text, 12);
  assert.equal(lines.join(" "), text);
  assert.ok(lines.every((line) => line.length <= 12));
});

test("a plot on paper says how it came about", () => {
  const line = settings(opening(OPENING));
  for (const part of ["Square loss", "tent", "30 points", "noise 0.5", "1000 neurons", "η = 0.1"])
    assert.ok(line.includes(part), line);
});

test("a table has the first and the last entry and at most 60", () => {
  assert.deepEqual(thinned(3), [0, 1, 2]);
  assert.deepEqual(thinned(1), [0]);
  assert.deepEqual(thinned(0), []);
  const places = thinned(2000);
  assert.equal(places.length, 60);
  assert.equal(places[0], 0);
  assert.equal(places[59], 1999);
});
