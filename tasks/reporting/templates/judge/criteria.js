// The whole verdict judged again: each outcome, the decision they come to, and what other costs would make of it.
//
// What belongs here: putting outcomes together. What does not: one outcome (remaking), and anything that is shown (panel).

const criteria = (() => {
  const EXACT = 1e-9;
  const RECOMPUTED = ["exact", "merged"];

  // What wrong decisions cost, where a criterion that was made again is on a cost: {costs: [false positive, false negative] or null,
  // underCosts: costs -> by place the figures}.
  function costsOf(verdict, outcomes, known, evidence, resample) {
    const places = verdict.criteria.flatMap((outcome, place) => {
      const figure = RECOMPUTED.includes(outcomes[place].level) ? known.get(replicates.keyOf(outcome)) : undefined;
      return figure && figure.formula === "cost" ? [{ place, outcome, figure }] : [];
    });
    const underCosts = (costs) =>
      new Map(
        places.map(({ place, outcome, figure }) => {
          const resampled = replicates.atCosts(figure, outcome.replicates, resample, costs);
          return [place, remaking.figuresOf(outcome, resampled, evidence, figure.clusters)];
        }),
      );
    return { costs: places.length ? places[0].figure.numbers : null, underCosts };
  }

  // Each outcome, the decision they come to, and whether all agrees. `made` were recomputed; of `followed` the status follows.
  function rejudge(verdict, carried) {
    const evidence = { ...carried, seed: verdict.seeds.evaluation };
    const known = new Map(evidence.figures.map((figure) => [replicates.keyOf(figure), figure]));
    const resample = replicates.resampler(evidence.seed);
    const claims = statuses.claimed(verdict.criteria);
    const outcomes = verdict.criteria.map((outcome, place) => {
      const found = remaking.remake(outcome, known, evidence, resample);
      const isHeld = !claims.has(place) || !outcome.interval || Math.abs(outcome.interval.confidence - claims.get(place)) <= EXACT;
      return isHeld ? found : { ...found, isSame: false };
    });
    const decision = statuses.decide(verdict.criteria, outcomes.map((found) => found.status));
    const differing = verdict.criteria.filter((_, place) => !outcomes[place].isSame);
    return {
      outcomes,
      decision,
      made: outcomes.filter((found) => RECOMPUTED.includes(found.level)).length,
      followed: outcomes.filter((found) => found.level === "follows").length,
      differing,
      isSame: !differing.length && decision === verdict.decision,
      ...costsOf(verdict, outcomes, known, evidence, resample),
    };
  }

  return { rejudge };
})();
