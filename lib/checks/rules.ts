import { Rule } from './rule';
import { functionTimeoutBelowModel } from './bolted-on/function-timeout-below-model';
import { captureHalf } from './data-not-ready/capture-half';
import { modelMonitorClosed } from './data-not-ready/model-monitor-closed';
import { modelImageMutable } from './no-mlops/model-image-mutable';
import { namedModelCannotChange } from './no-mlops/named-model-cannot-change';
import { deploymentWithoutRollback } from './no-mlops/deployment-without-rollback';
import { scaledCountReset } from './no-mlops/scaled-count-reset';
import { packageApprovedByTemplate } from './no-mlops/package-approved-by-template';
import { modelRoleFullAccess } from './architecture-bypassed/model-role-full-access';
import { invokeAnyEndpoint } from './architecture-bypassed/invoke-any-endpoint';
import { openRouteToModel } from './architecture-bypassed/open-route-to-model';
import { modelReachesInternet } from './architecture-bypassed/model-reaches-internet';
import { endpointWithoutAlarm } from './unmonitored/endpoint-without-alarm';
import { metricNeverPublished } from './unmonitored/metric-never-published';
import { metricNotOfAsync } from './unmonitored/metric-not-of-async';
import { dimensionIsArn } from './unmonitored/dimension-is-arn';
import { alarmWithoutAction } from './unmonitored/alarm-without-action';
import { errorRateAboveOne } from './unmonitored/error-rate-above-one';
import { latencyInMilliseconds } from './unmonitored/latency-in-milliseconds';
import { endpointWithoutCapture } from './unmonitored/endpoint-without-capture';
import { asyncFailureUnheard } from './unmonitored/async-failure-unheard';
import { endpointWithoutOwner } from './unowned/endpoint-without-owner';
import { scalingWithoutEffect } from './accuracy-only/scaling-without-effect';
import { latencyUnwatched } from './accuracy-only/latency-unwatched';
import { scalingMetricMismatch } from './accuracy-only/scaling-metric-mismatch';
import { realTimeScalesToZero } from './underestimated-infrastructure/real-time-scales-to-zero';
import { burstableScaled } from './underestimated-infrastructure/burstable-scaled';
import { asyncMayNotWake } from './underestimated-infrastructure/async-may-not-wake';
import { componentNeverWakes } from './underestimated-infrastructure/component-never-wakes';
import { wakeUpMissesFirstRequest } from './underestimated-infrastructure/wake-up-misses-first-request';
import { targetBeforeEndpoint } from './underestimated-infrastructure/target-before-endpoint';
import { keyWithLocalStorage } from './underestimated-infrastructure/key-with-local-storage';
import { modelInOneSubnet } from './underestimated-infrastructure/model-in-one-subnet';
import { serverlessExcluded } from './underestimated-infrastructure/serverless-excluded';

/** All rules, by mistake. @internal */
export const RULES: readonly Rule[] = [
  functionTimeoutBelowModel,
  captureHalf,
  modelMonitorClosed,
  modelImageMutable,
  namedModelCannotChange,
  deploymentWithoutRollback,
  scaledCountReset,
  packageApprovedByTemplate,
  modelRoleFullAccess,
  invokeAnyEndpoint,
  openRouteToModel,
  modelReachesInternet,
  endpointWithoutAlarm,
  metricNeverPublished,
  metricNotOfAsync,
  dimensionIsArn,
  alarmWithoutAction,
  errorRateAboveOne,
  latencyInMilliseconds,
  endpointWithoutCapture,
  asyncFailureUnheard,
  endpointWithoutOwner,
  scalingWithoutEffect,
  latencyUnwatched,
  scalingMetricMismatch,
  realTimeScalesToZero,
  burstableScaled,
  asyncMayNotWake,
  componentNeverWakes,
  wakeUpMissesFirstRequest,
  targetBeforeEndpoint,
  keyWithLocalStorage,
  modelInOneSubnet,
  serverlessExcluded,
];
