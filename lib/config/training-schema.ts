import { z } from 'zod';
import { name } from './names-schema';

/** What the file says of a model that is trained here. */

const share = z.number().min(0).max(1);

const gate = z
  .strictObject({
    aucBand: z
      .tuple([share, share])
      .refine(([low, high]) => low < high, 'must rise')
      .default([0.5, 0.999])
      .describe('Area under the ROC curve outside it is a suspected leak, or no model at all.'),
    margin: share.default(0).describe('The first version must beat the baseline by more than this average precision.'),
    tolerance: share.default(0.005).describe('A later one may be worse than the current by less than this average precision.'),
    calibrationGap: share.default(0.05).describe('Largest distance between mean score and mean label.'),
    minimumRows: z.int().min(100).default(1000).describe('Fewer labelled rows in the test period are not judged.'),
  })
  .prefault({});

export const training = z.strictObject({
  dataset: name(40).describe('Dataset of the contract whose versions it is trained on.'),
  code: z.string().min(1).describe('Folder with train.py and evaluation.py, relative to this file; packed at synth.'),
  eventTime: z
    .array(z.string().min(1))
    .min(1)
    .max(3)
    .refine((columns) => columns.length !== 2, 'give one ISO 8601 column, or year, month and day')
    .describe(
      'Column with the date or timestamp of a record, or three with year, month and day: the newest closed month is the test period. The same for all models of a dataset.',
    ),
  labelDelayDays: z
    .int()
    .min(0)
    .max(27)
    .default(0)
    .describe('Days after an event until its label is known, at the latest: left out between training, validation and test data.'),
  instance: z.string().regex(/^ml\./, "must start with 'ml.'").default('ml.m5.large').describe('SageMaker training instance type.'),
  spot: z.boolean().default(true).describe('Train on spare capacity, which may be interrupted; training resumes from its checkpoint.'),
  parameters: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), z.string().max(256))
    .default({})
    .describe('Hyperparameters.'),
  runsPerDay: z.int().min(1).max(100).default(4).describe('Most training runs in a day (UTC).'),
  everyDays: z
    .int()
    .min(1)
    .max(365)
    .optional()
    .describe(
      'Also start the run of the newest dataset version at this interval: it costs nothing if that has run with this code and these parameters. Default: on new dataset versions, drift or by hand.',
    ),
  gate: gate.describe('What a candidate must pass before it is registered.'),
  purpose: z.string().min(1).max(1000).describe('What the model is for: in its model card.'),
  intendedUses: z.string().min(1).max(1000).describe('What its predictions are used for: in its model card.'),
  limits: z.string().min(1).max(1000).describe('What it is not for, and what it does not know: in its model card.'),
});

export type TrainingConfig = z.infer<typeof training>;
