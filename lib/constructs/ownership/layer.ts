/** The layers of an AI workload. Each has one owner. */
export enum Layer {
  /** Landing zones, contracts, intake, datasets. */
  DATA = 'data',
  /** Training and model registry. */
  MODELS = 'models',
  /** Endpoints and their scaling. */
  SERVING = 'serving',
  /** Releases. */
  DELIVERY = 'delivery',
  /** API, events, feedback. */
  INTEGRATION = 'integration',
  /** Dashboards, drift and quality. */
  OBSERVABILITY = 'observability',
  /** Network and accounts. */
  INFRASTRUCTURE = 'infrastructure',
  /** The business objective and the budget. */
  PRODUCT = 'product',
}

/** How soon somebody must look. */
export enum Severity {
  /** Users are hurt now: wakes the one on call. */
  PAGE = 'page',
  /** Must be looked at in working hours. */
  TICKET = 'ticket',
}
