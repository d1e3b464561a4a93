import { JsonSchema, JsonSchemaType, JsonSchemaVersion } from 'aws-cdk-lib/aws-apigateway';

/** Request bodies as JSON Schema draft 4, the one that Amazon API Gateway reads. The handlers check again, with better messages. */

const parameters: JsonSchema = { type: JsonSchemaType.OBJECT };

/** Inference request of the Open Inference Protocol v2. @internal */
export const INFERENCE_REQUEST: JsonSchema = {
  schema: JsonSchemaVersion.DRAFT4,
  title: 'InferenceRequest',
  type: JsonSchemaType.OBJECT,
  required: ['inputs'],
  properties: {
    id: { type: JsonSchemaType.STRING, pattern: '^[A-Za-z0-9][A-Za-z0-9._:~-]{0,63}$' },
    parameters: { type: JsonSchemaType.OBJECT, properties: { event_time: { type: JsonSchemaType.STRING } } },
    inputs: {
      type: JsonSchemaType.ARRAY,
      minItems: 1,
      items: {
        type: JsonSchemaType.OBJECT,
        required: ['name', 'shape', 'datatype', 'data'],
        properties: {
          name: { type: JsonSchemaType.STRING, minLength: 1 },
          shape: { type: JsonSchemaType.ARRAY, minItems: 1, items: { type: JsonSchemaType.INTEGER, minimum: 0 } },
          datatype: { type: JsonSchemaType.STRING, pattern: '^(BOOL|U?INT(8|16|32|64)|FP(16|32|64)|BF16|BYTES)$' },
          parameters,
          data: { type: JsonSchemaType.ARRAY },
        },
      },
    },
    outputs: {
      type: JsonSchemaType.ARRAY,
      items: { type: JsonSchemaType.OBJECT, required: ['name'], properties: { name: { type: JsonSchemaType.STRING }, parameters } },
    },
  },
};

/** Ground truth for one prediction. @internal */
export const FEEDBACK: JsonSchema = {
  schema: JsonSchemaVersion.DRAFT4,
  title: 'Feedback',
  type: JsonSchemaType.OBJECT,
  required: ['outcome'],
  additionalProperties: false,
  properties: {
    outcome: { type: JsonSchemaType.BOOLEAN },
    observed_at: { type: JsonSchemaType.STRING },
  },
};
