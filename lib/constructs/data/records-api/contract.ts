/** Names and limits that the API of records, its handler and its tests share. This file imports nothing. */

/** Ends of the routes of a dataset: where records are posted, and where the newest one of an entity is read. */
export const RECORDS_ROUTE = { records: 'records', newest: 'newest' } as const;

/** Limits of one request. */
export const RECORDS_REQUEST = {
  /** Records of one call of `PutRecords` (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html). */
  records: 500,
  /**
   * Bytes of the body. So each record fits the stream, whose default is 1 MiB with its partition key, and all together fit one call, which takes
   * 5 MiB at least (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html). AWS Lambda gets the body in Base64,
   * or as a JSON text in which a character may take three times its bytes, inside an event of 6 MB
   * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
   */
  bytes: 1_000_000,
} as const;

/** Media types of a body: an object or an array of objects; one object on each line. The function gets such a body byte for byte. */
export const RECORDS_MEDIA = { json: 'application/json', lines: 'application/x-ndjson' } as const;

/** Times, seconds. A REST API waits 29 (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html). */
export const RECORDS_SECONDS = {
  /** From the start of a request on records are put, again if need be; what the stream has not taken by then is answered as not taken. */
  putting: 15,
  functionTimeout: 25,
} as const;

/** What became of a record. Quarantined ones are on the stream as well, because every record is accounted for. */
export const RECORD_STATUS = { accepted: 'accepted', quarantined: 'quarantined', notTaken: 'not-taken' } as const;

/** Metrics with the dimension `Intake`. Count. */
export const RECORDS_METRIC = {
  /** Records that came by HTTP and were put on the stream, quarantined ones among them. */
  taken: 'RecordsTaken',
  /** Records that the stream did not take in time: their senders were told to send them again. */
  notTaken: 'RecordsNotTaken',
} as const;

/** Environment variables of the handler. */
export const RECORDS_ENV = { stream: 'STREAM_NAME', orderedBy: 'ORDERED_BY' } as const;
