// What the decision would be under other margins and costs.
//
// What belongs here: which criteria can be asked, what follows, and where the decision turns. What does not: judging (criteria), and
// sliders (sliders). A question is {margins: Map from a criterion's name, costs: [false positive, false negative] or null}.

const asking = (() => {
  const FINE = 33;
  const COARSE = 13;
  const MANY = 5;
  const HALVINGS = 10;

  const nameOf = (outcome) => (outcome.slice === null ? outcome.name : outcome.name.replace(`[${outcome.slice.split("=").slice(1).join("=")}]`, ""));
  // What a slider moves: a margin, or the gap that slices may lie apart.
  const limitOf = (outcome) => (statuses.isParity(outcome) ? outcome.bound : outcome.margin);
  const declared = (outcome) => (outcome.relative_margin === null ? limitOf(outcome) : outcome.relative_margin);
  const statusAt = (outcome, figures, limit) =>
    statuses.isParity(outcome) ? statuses.statusOf({ ...outcome, bound: limit }, figures) : statuses.statusOf(outcome, figures, limit);
  const unitOf = (outcome, figures) => (outcome.relative_margin === null ? 1 : Math.abs(figures.champion));

  // The criteria with a margin, by name: {name, isRelative, isGap, declared, members: [{place, outcome, figures}]}. One whose status does not
  // follow from its figures is left as it is.
  function groupsOf(verdict, outcomes) {
    const groups = new Map();
    verdict.criteria.forEach((outcome, place) => {
      if (limitOf(outcome) === null || !outcome.interval || outcome.status === "not_judged") return;
      const ends = (interval) => interval && [interval.low, interval.high];
      const kept = { champion: outcome.champion, interval: ends(outcome.interval), challenger_interval: ends(outcome.challenger_interval) };
      const figures = outcomes[place].figures || kept;
      if (statuses.statusOf(outcome, figures) !== outcome.status) return;
      const name = nameOf(outcome);
      const group = groups.get(name) || { name, isRelative: outcome.relative_margin !== null, isGap: statuses.isParity(outcome), declared: declared(outcome), members: [] };
      group.members.push({ place, outcome, figures });
      groups.set(name, group);
    });
    return [...groups.values()];
  }

  // Everything that may be asked of a verdict that was judged again.
  function about(verdict, again) {
    const groups = groupsOf(verdict, again.outcomes);
    const base = again.outcomes.map((found) => found.status);
    const made = new Map();

    function remade(costs) {
      if (!costs) return new Map();
      const key = costs.join(" ");
      if (!made.has(key)) made.set(key, again.underCosts(costs));
      return made.get(key);
    }

    // The outcome of a cost at other `costs`: its noise floor was measured at the declared ones. Both moved by one factor take it along,
    // and of any others nobody knows it.
    function atCosts(outcome, costs) {
      const [[first, second], [other, another]] = [again.costs, costs];
      const isScaled = Math.abs(other * second - another * first) <= 1e-12 * Math.abs(another * first);
      const floor = outcome.noise_floor === null || !isScaled ? null : outcome.noise_floor * (first ? other / first : another / second);
      return { ...outcome, noise_floor: floor };
    }

    // What the statuses and the decision would be.
    function under({ margins, costs }) {
      const found = [...base];
      const others = remade(costs);
      for (const [place, figures] of others) {
        const outcome = atCosts(verdict.criteria[place], costs);
        const margin = outcome.margin === null ? null : declared(outcome) * unitOf(outcome, figures);
        found[place] = statusAt(outcome, figures, margin);
      }
      for (const group of groups.filter(({ name }) => margins.has(name))) {
        for (const { place, outcome, figures } of group.members) {
          const now = others.get(place) || figures;
          const asked = others.has(place) ? atCosts(outcome, costs) : outcome;
          found[place] = statusAt(asked, now, margins.get(group.name) * unitOf(outcome, now) + 1e-12);
        }
      }
      return { statuses: found, decision: statuses.decide(verdict.criteria, found) };
    }

    // The margins at which a status of the group turns: both ends of each interval, as margins, and where being better is asked.
    function turnsOf(group, costs = null) {
      const ends = group.members.flatMap(({ place, outcome, figures }) => {
        const now = remade(costs).get(place) || figures;
        const sign = outcome.direction === "lower_is_better" ? -1 : 1;
        return (now.interval || []).map((end) => (-sign * end) / unitOf(outcome, now));
      });
      return group.isGap ? ends : [...ends, 0];
    }

    // From which margin of one group on which decision holds, all else as asked: [{from, decision}].
    function alongMargin(group, { margins, costs }, least) {
      const turns = [least, ...turnsOf(group, costs).filter((turn) => turn > least)].sort((one, other) => one - other);
      const found = [];
      const look = (from, margin) => {
        const { decision } = under({ margins: new Map([...margins, [group.name, margin]]), costs });
        if (!found.length || found[found.length - 1].decision !== decision) found.push({ from, decision });
      };
      turns.forEach((turn, place) => {
        const next = turns[place + 1];
        look(turn, turn);
        look(turn, next === undefined ? turn + Math.abs(turn) + 1e-6 : (turn + next) / 2);
      });
      return found;
    }

    // The same along one kind of cost, looked at in steps up to `most` and then more closely where it turns.
    function alongCost(kind, { margins, costs }, most) {
      const decisionAt = (cost) => under({ margins, costs: costs.map((other, place) => (place === kind ? cost : other)) }).decision;
      const steps = again.underCosts(costs).size > MANY ? COARSE : FINE;
      const found = [{ from: 0, decision: decisionAt(0) }];
      for (let step = 1; step < steps; step += 1) {
        let [low, high] = [((step - 1) * most) / (steps - 1), (step * most) / (steps - 1)];
        const decision = decisionAt(high);
        if (decision === found[found.length - 1].decision) continue;
        for (let halving = 0; halving < HALVINGS; halving += 1) {
          const middle = (low + high) / 2;
          if (decisionAt(middle) === decision) high = middle;
          else low = middle;
        }
        found.push({ from: high, decision });
      }
      return found;
    }

    return { groups, costs: again.costs, under, turnsOf, alongMargin, alongCost };
  }

  return { about };
})();
