// Intervals from replicates, by the methods that a criterion may name.
//
// What belongs here: quantiles, and where the ends of an interval lie (tasks/gates/intervals.py has the sources). What does not:
// replicates (metrics), and what an interval is held against (criteria).

const intervals = (() => {
  const MOST_UNDEFINED = 0.05;
  const LOW_TAILS = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.0167, 0.025, 0.05, 0.1, 0.25];

  // The standard normal's quantile: Wichura (1988), algorithm AS 241, as Python's statistics.NormalDist has it.
  const AS241 = {
    middle: [
      [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
        1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
      [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
        687.1870074920579083, 42.313330701600911252, 1],
    ],
    near: [
      [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258, 3.64784832476320460504,
        5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
      [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459, 0.68976733498510000455,
        1.6763848301838038494, 2.05319162663775882187, 1],
    ],
    far: [
      [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
        0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
      [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
        0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1],
    ],
  };
  const polynomial = (terms, at) => terms.reduce((total, term) => total * at + term, 0);
  const rational = ([above, below], at) => polynomial(above, at) / polynomial(below, at);

  function normalQuantile(share) {
    const off = share - 0.5;
    if (Math.abs(off) <= 0.425) return rational(AS241.middle, 0.180625 - off * off) * off;
    const root = Math.sqrt(-Math.log(off <= 0 ? share : 1 - share));
    const found = root <= 5 ? rational(AS241.near, root - 1.6) : rational(AS241.far, root - 5);
    return off < 0 ? -found : found;
  }

  // The logarithm of the gamma function: Lanczos' approximation (g = 7, nine terms).
  function logGamma(at) {
    const terms = [676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
      -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
    const less = at - 1;
    const total = terms.reduce((sum, term, place) => sum + term / (less + place + 1), 0.99999999999980993);
    const edge = less + 7.5;
    return 0.5 * Math.log(2 * Math.PI) + (less + 0.5) * Math.log(edge) - edge + Math.log(total);
  }

  // The regularised incomplete beta function by its continued fraction (Lentz; Press et al., Numerical Recipes, 6.4).
  function betaShare(a, b, at) {
    if (at <= 0 || at >= 1) return at <= 0 ? 0 : 1;
    if (at > (a + 1) / (a + b + 2)) return 1 - betaShare(b, a, 1 - at);
    const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(at) + b * Math.log1p(-at)) / a;
    let below = 1 / (1 - ((a + b) * at) / (a + 1));
    let above = 1;
    let found = below;
    for (let step = 1; step < 400; step += 1) {
      const even = (step * (b - step) * at) / ((a + 2 * step - 1) * (a + 2 * step));
      below = 1 / (1 + even * below);
      above = 1 + even / above;
      found *= below * above;
      const odd = (-(a + step) * (a + b + step) * at) / ((a + 2 * step) * (a + 2 * step + 1));
      below = 1 / (1 + odd * below);
      above = 1 + odd / above;
      found *= below * above;
      if (Math.abs(below * above - 1) < 1e-15) break;
    }
    return front * found;
  }

  // Student's t of `freedom` degrees that `share` (above one half) lies below: by halving.
  function studentQuantile(freedom, share) {
    const beyond = (at) => betaShare(freedom / 2, 0.5, freedom / (freedom + at * at)) / 2;
    let low = 0;
    let high = 1;
    while (beyond(high) > 1 - share && high < 1e12) high *= 2;
    for (let step = 0; step < 200 && high - low > 1e-15 * high; step += 1) {
      const middle = (low + high) / 2;
      if (beyond(middle) > 1 - share) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }

  // The quantile of sorted values, straight between two of them (numpy.quantile).
  function quantile(sorted, share) {
    const at = (sorted.length - 1) * share;
    const lower = Math.min(Math.floor(at), sorted.length - 1);
    const upper = Math.min(lower + 1, sorted.length - 1);
    const off = at - lower;
    const step = sorted[upper] - sorted[lower];
    return off < 0.5 ? sorted[lower] + step * off : sorted[upper] - step * (1 - off);
  }

  function tailsOf(replicates) {
    const low = LOW_TAILS.filter((tail) => tail * (replicates + 1) >= 1);
    return [...low, 0.5, ...low.slice().reverse().map((tail) => 1 - tail)];
  }

  // The quantile at a level of the standard normal, between those that an evaluation keeps; null beyond them.
  function keptQuantile(quantiles, tails, level) {
    const levels = tails.map(normalQuantile);
    if (!levels.length || level < levels[0] - 1e-9 || level > levels[levels.length - 1] + 1e-9) return null;
    const upper = levels.findIndex((at) => at >= level - 1e-9);
    const place = upper < 0 ? levels.length - 1 : upper;
    if (place === 0 || Math.abs(levels[place] - level) <= 1e-9) return quantiles[place];
    const share = (level - levels[place - 1]) / (levels[place] - levels[place - 1]);
    return quantiles[place - 1] + share * (quantiles[place] - quantiles[place - 1]);
  }

  // Efron's acceleration, from the values with one cluster left out; null where one of them is undefined.
  function acceleration(leftOut) {
    if (!leftOut.every(Number.isFinite)) return null;
    const mean = leftOut.reduce((total, value) => total + value, 0) / leftOut.length;
    let squares = 0;
    let cubes = 0;
    for (const value of leftOut) {
      squares += (mean - value) ** 2;
      cubes += (mean - value) ** 3;
    }
    return squares > 1e-24 ? cubes / (6 * squares ** 1.5) : 0;
  }

  function correctedLevels(point, defined, leftOut, level) {
    let below = 0;
    for (const value of defined) {
      if (Math.abs(value - point) <= 1e-14 + 1e-12 * Math.abs(point)) below += 0.5;
      else if (value < point) below += 1;
    }
    const speed = leftOut === null ? 0 : acceleration(leftOut);
    if (speed === null || below === 0 || below === defined.length) return null;
    const bias = normalQuantile(below / defined.length);
    const [low, high] = [-level, level].map((end) => 1 - speed * (bias + end));
    return Math.min(low, high) <= 0 ? null : [bias + (bias - level) / low, bias + (bias + level) / high];
  }

  // The interval of one figure, or null. `figure`: {point, replicates, leftOut}; `asked`: {method, confidence, clusters, plain},
  // where `plain` says that percentiles are of the replicates themselves, not of the quantiles that an evaluation keeps.
  function interval(figure, asked) {
    const defined = figure.replicates.filter(Number.isFinite).sort();
    if (1 - defined.length / figure.replicates.length > MOST_UNDEFINED) return null;
    const tail = (1 - asked.confidence) / 2;
    if (asked.method === "cluster_bootstrap" && asked.plain) return [quantile(defined, tail), quantile(defined, 1 - tail)];
    let level = normalQuantile((1 + asked.confidence) / 2);
    if (asked.method === "expanded") {
      if (asked.clusters < 2) return null;
      level = studentQuantile(asked.clusters - 1, (1 + asked.confidence) / 2) * Math.sqrt(asked.clusters / (asked.clusters - 1));
    }
    const levels = asked.method === "bca" ? correctedLevels(figure.point, defined, figure.leftOut, level) : [-level, level];
    if (levels === null) return null;
    const tails = tailsOf(figure.replicates.length);
    const quantiles = tails.map((share) => quantile(defined, share));
    const ends = levels.map((end) => keptQuantile(quantiles, tails, end));
    return ends.includes(null) ? null : ends;
  }

  return { normalQuantile, studentQuantile, quantile, interval };
})();
