/**
 * Instance-seconds of the cheapest fleet that has at least so many instances in each period, knows the future and needs no lead, when each instance that is
 * added costs its boot time on top. It begins with nothing, and those that are there at the begin cost no boot.
 *
 * The first instance, the second and so on are decided each for itself: the costs are sums over them, and an instance of a higher number is needed only
 * when those below are. One that is not needed for a while is kept when that is cheaper than to boot it again.
 *
 * @param needed instances by period; Infinity when no fleet is enough, and then so is the result
 * @param seconds length of each period
 */
export function leastInstanceSeconds(needed: readonly number[], seconds: readonly number[], bootSeconds: number): number {
  const most = Math.max(0, ...needed);
  if (most === Infinity) {
    return Infinity;
  }
  let total = 0;
  for (let number = 1; number <= most; number++) {
    // Time since this instance was needed; before the first need it may have been there from the begin.
    let idle = 0;
    needed.forEach((instances, period) => {
      if (instances < number) {
        idle += seconds[period];
      } else {
        total += Math.min(idle, bootSeconds) + seconds[period];
        idle = 0;
      }
    });
  }
  return total;
}
