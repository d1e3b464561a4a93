/** What an intake writes accepted records as. */
export enum ValidatedFormat {
  /** The format of the contract, CSV or JSON Lines, compressed with gzip: the bytes of each record stay as they were sent. */
  AS_RECEIVED = 'as-received',
  /**
   * Apache Parquet with the types of the contract; a field that is empty or a null token is null. A fraction of a second finer than a microsecond
   * is cut off. Files are at most 1 GiB after decompression, half of what is read otherwise, and are not
   * split.
   */
  PARQUET = 'parquet',
}
