/** Where the peers' defaults come from. */
export const SOURCES = {
  genaiCdk:
    'https://github.com/awslabs/generative-ai-cdk-constructs commit 9d49b9d3, ' +
    'src/patterns/gen-ai/aws-model-deployment-sagemaker/custom-sagemaker-endpoint.ts lines 211-260, synthesized with aws-cdk-lib 2.276.0',
  genaiCdkJumpstart:
    'https://github.com/awslabs/generative-ai-cdk-constructs commit 9d49b9d3, the JumpStart and Hugging Face endpoints of the same folder: no ScalableTarget',
  sagemakerAlpha:
    'npm @aws-cdk/aws-sagemaker-alpha 2.159.1-alpha.0, lib/scalable-instance-count.js: maxRPS x 0.5 x 60, cool-downs of 300 s',
  awsDoc:
    'https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html: the targets of its examples, 70 invocations and 5 requests at once',
  hfSkill:
    'a public skill for Hugging Face models on SageMaker, July 2026, without an address: 20 invocations a minute and instance; its 5 requests at once for ' +
    'each copy are those of aws-doc-concurrency',
  measuredConcurrency:
    'STT-TTS-Model-Eval, a public sample (MIT, Copyright Amazon.com 2026): requests at once at 0.75 of what was measured, in at 0.5 of it, cool-downs of 30 s ' +
    'and 960 s, the container refuses what is above the measured',
  knative:
    "https://github.com/knative/serving config/core/configmaps/autoscaler.yaml: 70 % of what an instance takes at once, a minute's mean, six seconds' when those need twice as many; " +
    'SageMaker cannot deploy it',
  fixed: 'hindsight: nobody knows the peak or the mean before',
} as const;
