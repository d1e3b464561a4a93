import { aprilTraffic, Trip } from '../../examples/flight-delays/traffic';
import { ReleaseState } from '../../lib/constructs/delivery/contract';
import { EventType } from '../../lib/constructs/integration/contract';
import { invoke } from './data-steps';
import { moveClock } from './workload-clock';
import { DepartureStream } from './departure-stream';
import { DEMO } from './demo-config';
import { EventObserver } from './event-observer';
import { ObjectiveFigures } from './figures';
import { Run, Step, until } from './run';

const MODEL = DEMO.model;
const HOUR = 3_600_000;
/** Departures are put on the stream and waited for by the day: to wait before each prediction would take longer than all else together. */
const DAY = 24 * HOUR;

/** A moment of the replay: a question to the model, or the truth about an earlier one. */
interface Moment {
  at: Date;
  act: () => Promise<void>;
}

/** After the last label window of the replayed flights. */
export function replayEnd({ config }: Run, trips: Trip[]): Date {
  const last = Math.max(...trips.map(({ scheduledDeparture }) => scheduledDeparture.getTime()));
  return new Date(last + (config.labelWindowHours + 1) * HOUR);
}

/** April's flights are predicted and labelled at the moments at which that would have happened. */
export function replayStep(run: Run): Step {
  return {
    title: 'Replay 500 April flights meanwhile: predict an hour before departure, post what became of each',
    run: async (say) => {
      const trips = await aprilTraffic();
      run.figures.workloadClock = [trips[0].predictAt.toISOString(), replayEnd(run, trips).toISOString()];
      run.figures.otherPredictions = await askedBefore(run);
      await replay(run, trips, say);
    },
  };
}

/** What became of the predictions. */
export function bookStep(run: Run): Step {
  return {
    title: 'Let the rest expire, and read the books of the predictions',
    run: async (say) => {
      const trips = await aprilTraffic();
      await repeatFeedback(run, trips);
      await moveClock(run, replayEnd(run, trips));
      await closeBooks(run, trips.length, say);
    },
  };
}

export function objectiveStep(run: Run): Step {
  return { title: 'Publish the rolling value of the objective', run: () => publishObjective(run) };
}

/** Everything that happened was announced on the bus, once. */
export function eventsStep(run: Run, observer: () => EventObserver): Step {
  return {
    title: 'Count the events on the bus',
    run: async () => {
      run.figures.events = await settledEvents(run, observer());
    },
  };
}

async function replay(run: Run, trips: Trip[], say: (text: string) => void): Promise<void> {
  const moments: Moment[] = trips.flatMap((trip) => [
    { at: trip.predictAt, act: () => predict(run, trip) },
    ...(trip.feedback === undefined ? [] : [{ at: trip.feedback.at, act: () => label(run, trip, 200, false) }]),
  ]);
  moments.sort((a, b) => a.at.getTime() - b.at.getTime());
  await moveClock(run, moments[0].at);
  const departures = await Departures.from(run, trips, moments[0].at);
  for (const [i, { at, act }] of moments.entries()) {
    run.signal.throwIfAborted();
    await moveClock(run, at);
    await departures.reach(at);
    await act();
    if (i % 20 === 0) {
      say(`${i} of ${moments.length} at ${at.toISOString().slice(0, 16).replace('T', ' ')} of the workload clock`);
    }
  }
}

/**
 * What airports report meanwhile. The day that begins is in the store before its first prediction, the next one on its way: so nearly every
 * prediction is made while the store holds departures that have not happened yet, and must be told of none.
 */
class Departures {
  private constructor(
    private readonly stream: DepartureStream,
    private known: number,
  ) {}

  public static async from(run: Run, trips: Trip[], start: Date): Promise<Departures> {
    const stream = await DepartureStream.of(run, trips);
    run.figures.departures = { records: stream.records, objects: 0 };
    await stream.send(new Date(start.getTime() + DAY));
    return new Departures(stream, start.getTime());
  }

  public async reach(moment: Date): Promise<void> {
    while (moment.getTime() >= this.known) {
      await this.stream.stored();
      this.known += DAY;
      await this.stream.send(new Date(this.known + DAY));
    }
  }
}

async function predict({ api }: Run, { id, request }: Trip): Promise<void> {
  const { status, body } = await api('POST', `/v2/models/${MODEL}/infer`, request);
  if (status !== 200) {
    throw new Error(`PredictionFailed: ${id} was answered ${status}: ${JSON.stringify(body)}`);
  }
}

async function label({ api }: Run, { id, feedback }: Trip, expected: number, duplicate: boolean): Promise<void> {
  const { late, at } = feedback!;
  const path = `/v2/models/${MODEL}/predictions/${id}/feedback`;
  const { status, body } = await api('POST', path, { outcome: late, observed_at: at.toISOString() });
  if (status !== expected || (body as { duplicate?: boolean }).duplicate !== duplicate) {
    throw new Error(`FeedbackFailed: ${id} was answered ${status}: ${JSON.stringify(body)}`);
  }
}

/** The same feedback again changes nothing; other feedback is refused; an unknown id is not found. */
async function repeatFeedback(run: Run, trips: Trip[]): Promise<void> {
  const trip = trips.find(({ feedback }) => feedback !== undefined)!;
  await label(run, trip, 200, true);
  const path = (id: string) => `/v2/models/${MODEL}/predictions/${id}/feedback`;
  const conflict = await run.api('POST', path(trip.id), { outcome: !trip.feedback!.late });
  const unknown = await run.api('POST', path('no-such-flight'), { outcome: true });
  if (conflict.status !== 409 || unknown.status !== 404) {
    throw new Error(`FeedbackAccepted: a conflict was answered ${conflict.status}, not 409; an unknown id ${unknown.status}, not 404`);
  }
}

interface Books {
  made: number;
  labelled: number;
  expired: number;
  open: number;
}

async function booksOf({ api }: Run): Promise<Books> {
  return (await api('GET', `/v2/models/${MODEL}/predictions`)).body as Books;
}

/** The outage and the slow release asked as if April were over, so what they asked is open and stays so. Errors: it is not. */
async function askedBefore(run: Run): Promise<number> {
  const { made, open } = await booksOf(run);
  if (made !== open) {
    throw new Error(`PredictionsEnded: ${made - open} of ${made} predictions from before the replay have ended`);
  }
  return made;
}

/** The expiry job runs on its schedule; nobody calls it here. */
async function closeBooks(run: Run, made: number, say: (text: string) => void): Promise<void> {
  const others = run.figures.otherPredictions!;
  let books: Books | undefined;
  await until(
    'the end of every prediction',
    90,
    run.signal,
    async () => {
      books = await booksOf(run);
      say(`${books.labelled} labelled, ${books.expired} expired, ${books.open - others} open`);
      return books.open === others && books.made === made + others ? books : undefined;
    },
    () => `${JSON.stringify(books)}, of which ${others} are not of the replay`,
  );
  const { labelled, expired, open } = books!;
  run.figures.predictions = { made, labelled, expired, open: open - others };
}

/** Events leave after the commit, from the tables' streams: the last ones may be a moment late. */
async function settledEvents(run: Run, observer: EventObserver): Promise<Record<string, number>> {
  const { figures, signal } = run;
  const { made, labelled, expired } = figures.predictions!;
  const released = figures.releases!.filter(({ state }) => state === ReleaseState.RELEASED).length;
  const expected: Record<string, number> = {
    [EventType.FILE_ACCOUNTED]:
      figures.books!.files + figures.arrivals!.reduce((sum, { files }) => sum + files, 0) + figures.departures!.objects,
    [EventType.DATASET_PUBLISHED]: 1 + figures.arrivals!.length,
    [EventType.TRAINING_FINISHED]: figures.training!.length,
    [EventType.MODEL_RELEASED]: released,
    [EventType.MODEL_RELEASE_FAILED]: figures.releases!.length - released,
    [EventType.PREDICTION_MADE]: made + figures.otherPredictions!,
    [EventType.PREDICTION_LABELLED]: labelled,
    [EventType.PREDICTION_EXPIRED]: expired,
  };
  let seen: Record<string, number> = {};
  return until(
    'an event for every file, dataset version, training, release and prediction',
    30,
    signal,
    async () => {
      seen = await observer.counts();
      return Object.entries(expected).every(([type, count]) => seen[type] === count) ? seen : undefined;
    },
    () => `${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`,
  );
}

async function publishObjective(run: Run): Promise<void> {
  const { labels, labelsInAll, minimumLabels, evaluated, values, from, to } = await invoke<ObjectiveFigures>(
    run,
    run.outputs.ObjectiveJob,
    {},
  );
  run.figures.objective = { labels, labelsInAll, minimumLabels, evaluated, values, from, to };
}
