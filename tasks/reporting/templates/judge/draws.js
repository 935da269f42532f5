// The draws of the bootstrap, number for number as NumPy makes them, so that a replicate here is a replicate there.
//
// What belongs here: SeedSequence (O'Neill 2015), PCG64 (XSL-RR 128/64, O'Neill 2014) and Lemire's bounded integers (2019), as
// numpy.random.default_rng(seed).integers(0, n) takes them; and weights of clusters and blocks. What does not: what is weighed.

const draws = (() => {
  const WORD = 2 ** 32;

  // The first `count` words of 32 bits that numpy.random.SeedSequence(seed) gives.
  function seedWords(seed, count) {
    let constant = 0x43b0d7e5;
    const hash = (value) => {
      value = (value ^ constant) >>> 0;
      constant = Math.imul(constant, 0x931e8875) >>> 0;
      value = Math.imul(value, constant) >>> 0;
      return (value ^ (value >>> 16)) >>> 0;
    };
    const mix = (one, other) => {
      const mixed = (Math.imul(one, 0xca01f9dd) - Math.imul(other, 0x4973f715)) >>> 0;
      return (mixed ^ (mixed >>> 16)) >>> 0;
    };
    const entropy = [seed % WORD, Math.floor(seed / WORD)];
    const pool = [0, 1, 2, 3].map((place) => hash(entropy[place] || 0));
    for (let from = 0; from < 4; from += 1) {
      for (let to = 0; to < 4; to += 1) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
    }
    constant = 0x8b51f9dd;
    return Array.from({ length: count }, (_, place) => {
      let value = (pool[place % 4] ^ constant) >>> 0;
      constant = Math.imul(constant, 0x58f38ded) >>> 0;
      value = Math.imul(value, constant) >>> 0;
      return (value ^ (value >>> 16)) >>> 0;
    });
  }

  // 128 bits are eight digits of 16 bits, the lowest first: their products and sums are exact in a double.
  const MULTIPLIER = [0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360];

  function digitsOf(words) {
    return words.flatMap((word) => [word & 0xffff, word >>> 16]);
  }

  // Words of 32 bits from PCG64: each step gives 64, of which the lower half comes first.
  function generator(seed) {
    const words = seedWords(seed, 8);
    const state = new Float64Array(8);
    const start = digitsOf([words[2], words[3], words[0], words[1]]);
    const stream = digitsOf([words[6], words[7], words[4], words[5]]);
    const increment = stream.map((digit, place) => ((digit << 1) & 0xffff) | (place ? stream[place - 1] >>> 15 : 1));
    const product = new Float64Array(8);
    const carry = (sums) => {
      let over = 0;
      for (let place = 0; place < 8; place += 1) {
        const sum = sums[place] + over;
        over = Math.floor(sum / 65536);
        state[place] = sum - over * 65536;
      }
    };
    const step = () => {
      for (let place = 0; place < 8; place += 1) {
        let sum = increment[place];
        for (let from = 0; from <= place; from += 1) sum += state[from] * MULTIPLIER[place - from];
        product[place] = sum;
      }
      carry(product);
    };
    step();
    carry(state.map((digit, place) => digit + start[place]));
    step();
    let kept = null;
    return () => {
      if (kept !== null) {
        const half = kept;
        kept = null;
        return half;
      }
      step();
      const low = ((state[0] ^ state[4]) | ((state[1] ^ state[5]) << 16)) >>> 0;
      const high = ((state[2] ^ state[6]) | ((state[3] ^ state[7]) << 16)) >>> 0;
      const turn = state[7] >>> 10;
      const [first, second] = turn < 32 ? [low, high] : [high, low];
      const by = turn % 32;
      const turned = (one, other) => (by ? (one >>> by) | (other << (32 - by)) : one) >>> 0;
      kept = turned(second, first);
      return turned(first, second);
    };
  }

  // How often each of `clusters` is drawn, `replicates` times: a row of counts after another.
  function clusterWeights(clusters, replicates, seed) {
    const next = generator(seed);
    const counts = new Float64Array(clusters * replicates);
    const least = (WORD - clusters) % clusters;
    for (let start = 0; start < counts.length; start += clusters) {
      for (let drawn = 0; drawn < clusters; drawn += 1) {
        let spread = next() * clusters;
        while (spread % WORD < least) spread = next() * clusters;
        counts[start + Math.floor(spread / WORD)] += 1;
      }
    }
    return counts;
  }

  // Weights of blocks from those of clusters: each block weighs as much as its members do on average.
  function blockWeights(weights, clusters, members) {
    if (members.every((count) => count === 1)) return weights;
    const replicates = weights.length / clusters;
    const found = new Float64Array(replicates * members.length);
    let place = 0;
    for (let start = 0; start < weights.length; start += clusters) {
      let from = start;
      for (const count of members) {
        let sum = 0;
        for (const end = from + count; from < end; from += 1) sum += weights[from];
        found[place] = sum / count;
        place += 1;
      }
    }
    return found;
  }

  return { seedWords, generator, clusterWeights, blockWeights };
})();
