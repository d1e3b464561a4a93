/**
 * Registry accounts as AWS lists them for readers, copied by hand from
 * https://aws.github.io/deep-learning-containers/reference/region_availability/ (2026-08-21): a reading of its own, beside the data of the SDK.
 */
const table = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(' ')),
  );

/** "Deep Learning Containers". */
export const DLC_ACCOUNTS = table(`
  us-east-2 763104351884
  us-east-1 763104351884
  us-west-1 763104351884
  us-west-2 763104351884
  af-south-1 626614931356
  ap-east-1 871362719292
  ap-south-2 772153158452
  ap-southeast-3 907027046896
  ap-southeast-5 550225433462
  ap-southeast-4 457447274322
  ap-south-1 763104351884
  ap-southeast-6 633930458069
  ap-northeast-3 364406365360
  ap-northeast-2 763104351884
  ap-southeast-1 763104351884
  ap-southeast-2 763104351884
  ap-east-2 975050140332
  ap-southeast-7 590183813437
  ap-northeast-1 763104351884
  ca-west-1 204538143572
  ca-central-1 763104351884
  eu-central-1 763104351884
  eu-west-1 763104351884
  eu-west-2 763104351884
  eu-south-1 692866216735
  eu-west-3 763104351884
  eu-south-2 503227376785
  eu-north-1 763104351884
  eu-central-2 380420809688
  il-central-1 780543022126
  mx-central-1 637423239942
  me-south-1 217643126080
  me-central-1 914824155844
  sa-east-1 763104351884
  cn-north-1 727897471807
  cn-northwest-1 727897471807`);

/** "SageMaker Algorithm Registry (XGBoost, Scikit-learn, HuggingFace TEI)". */
export const ALGORITHM_ACCOUNTS = table(`
  us-east-2 257758044811
  us-east-1 683313688378
  us-west-1 746614075791
  us-west-2 246618743249
  af-south-1 510948584623
  ap-east-1 651117190479
  ap-south-2 628508329040
  ap-southeast-3 951798379941
  ap-southeast-4 106583098589
  ap-south-1 720646828776
  ap-northeast-3 867004704886
  ap-northeast-2 366743142698
  ap-southeast-1 121021644041
  ap-southeast-2 783357654285
  ap-northeast-1 354813040037
  ca-west-1 190319476487
  ca-central-1 341280168497
  eu-central-1 492215442770
  eu-west-1 141502667606
  eu-west-2 764974769150
  eu-south-1 978288397137
  eu-west-3 659782779980
  eu-south-2 104374241257
  eu-north-1 662702820516
  eu-central-2 680994064768
  il-central-1 898809789911
  sa-east-1 737474898029
  cn-north-1 450853457545
  cn-northwest-1 451049120500`);
