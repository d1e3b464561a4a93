import type { RegistrationSettings } from '../../lib/constructs/delivery/contract';
import type { Kept, RegistrationRequest, TrainedJob } from './core';

/**
 * The model card of a version, in the schema that a model package takes
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema). It holds nothing but what the run and the
 * owner said.
 */
export function cardOf(request: RegistrationRequest, job: TrainedJob, kept: Kept, { card }: RegistrationSettings): object {
  const { verdict, live, parameters, datasetId, codeRevision, runId } = request;
  const metric = ([name, value]: [string, number]) => ({ name, type: 'number', value });
  return {
    model_overview: { model_creator: card.owner, model_artifact: [kept.model] },
    intended_uses: { purpose_of_model: card.purpose, intended_uses: card.intendedUses },
    business_details: { business_problem: card.purpose, business_stakeholders: card.owner },
    training_details: {
      training_observations: `Trained by run ${runId} with code ${codeRevision}.`,
      training_job_details: {
        training_arn: job.arn,
        training_datasets: [datasetId],
        training_environment: { container_image: [job.image] },
        user_provided_hyper_parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
      },
    },
    evaluation_details: [
      {
        name: 'Quality gate',
        evaluation_observation:
          live?.version === undefined
            ? 'Compared with the baseline on the newest closed period, which it was not trained on.'
            : `Compared with ${live.version.packageArn} on the newest closed period, which it was not trained on.`,
        datasets: [`${datasetId} (test)`],
        metric_groups: [{ name: 'Gate', metric_data: Object.entries(verdict.figures).map(metric) }],
      },
    ],
    additional_information: { caveats_and_recommendations: card.limits },
  };
}
