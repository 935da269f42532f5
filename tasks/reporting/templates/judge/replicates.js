// Figures in every replicate, of each model and of their difference.
//
// What belongs here: resampling a figure once, however many criteria ask, and joining two models' replicates. What does not: drawing
// (draws), formulas (metrics), and intervals (intervals).

const replicates = (() => {
  const MOST_JACKKNIFED = 200;
  const keyOf = (found) => `${found.metric} ${found.slice === null ? "" : found.slice}`;

  // Two figures taken together, number by number.
  function both(one, other, join) {
    const all = (field) => one[field] && one[field].map((value, place) => join(value, other[field][place]));
    return { point: join(one.point, other.point), replicates: all("replicates"), leftOut: all("leftOut") };
  }

  function withDifferences(found) {
    const { challenger, champion } = found;
    if (!champion) return found;
    const delta = both(challenger, champion, (one, other) => one - other);
    const isPositive = champion.point > 0 && champion.replicates.every((value) => !Number.isFinite(value) || value > 0);
    return { ...found, delta, relative: isPositive && both(delta, champion, (part, whole) => part / whole) };
  }

  // Resamples each figure once, and each number of clusters is drawn once, however many criteria ask: by role and `delta` and
  // `relative` {point, replicates, leftOut}.
  function resampler(seed) {
    const drawn = new Map();
    const known = new Map();
    const once = (map, key, make) => map.get(key) || map.set(key, make()).get(key);
    return (figure, count) =>
      once(known, `${count} ${figure.numbers} ${keyOf(figure)}`, () => {
        const { clusters, members } = figure;
        const weights = once(drawn, `${clusters} ${count}`, () => draws.clusterWeights(clusters, count, seed));
        const weighed = draws.blockWeights(weights, clusters, members);
        const one = new Float64Array(members.length).fill(1);
        const omitted = clusters <= MOST_JACKKNIFED ? new Float64Array(clusters * clusters).fill(1) : null;
        if (omitted) for (let place = 0; place < clusters; place += 1) omitted[place * clusters + place] = 0;
        const left = omitted && draws.blockWeights(omitted, clusters, members);
        const found = {};
        for (const role of Object.keys(figure.sums)) {
          const measure = metrics.measure(figure, role);
          found[role] = { point: measure(one)[0], replicates: measure(weighed), leftOut: left && measure(left) };
        }
        return withDifferences(found);
      });
  }

  // The figure of a cost at other costs: costs are sums, so that each kind of mistake is resampled once.
  function atCosts(figure, count, resample, costs) {
    const kinds = [[1, 0], [0, 1]].map((numbers) => resample({ ...figure, numbers }, count));
    const found = {};
    for (const role of Object.keys(figure.sums)) {
      found[role] = both(kinds[0][role], kinds[1][role], (one, other) => costs[0] * one + costs[1] * other);
    }
    return withDifferences(found);
  }

  return { keyOf, resampler, atCosts };
})();
