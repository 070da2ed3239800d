/**
 * Move names apart, as little as possible in least squares, so that none touches another.
 *
 * With the heights taken off, that they do not touch means that the places increase: neighbors that violate
 * it are pooled, as isotonic regression does.
 *
 * @param {number[]} middles sorted
 * @param {number} height of every name
 * @param {readonly [number, number]} room  kept, if they fit
 * @returns {number[]}
 */
export function apart(middles, height, room) {
  /** @type {{ mean: number, size: number }[]} */
  const blocks = [];
  middles.forEach((middle, i) => {
    let last = { mean: middle - i * height, size: 1 };
    for (let before = blocks.at(-1); before && before.mean > last.mean; before = blocks.at(-1)) {
      const size = before.size + last.size;
      last = { mean: (before.mean * before.size + last.mean * last.size) / size, size };
      blocks.pop();
    }
    blocks.push(last);
  });
  const low = room[0] + 0.5 * height;
  const high = Math.max(low, room[1] - 0.5 * height - (middles.length - 1) * height);
  const moved = blocks.flatMap(({ mean, size }) => Array(size).fill(Math.min(high, Math.max(low, mean))));
  return moved.map((place, i) => place + i * height);
}
