export type { CaseOptions } from '../schemas/case.js';
export type { Overflow } from './bounds/layer.js';
export type { ProfileName } from './bounds/profiles.js';
export type { UnitSpread } from './compare/by-rounding.js';
export type { DeviationMap } from './compare/deviation-map.js';
export type { Place } from './compare/element.js';
export type { Summary, Verdict } from './compare/summary.js';
export type { AutoSummary, RowComparison, TensorComparison } from './compare/tensor.js';
export type {
  StatedTolerance,
  Tolerance,
  ToleranceOption,
  ToleranceOptions,
  ToleranceSource,
} from './compare/tolerance.js';
export { type Diagnosis, diagnose } from './diagnose/diagnose.js';
export {
  type CheckpointDiff,
  type DiffSide,
  diffCheckpoints,
  type ModuleDiff,
  type ParameterDiff,
} from './diff/diff.js';
export type { Change, Relation } from './diff/relation.js';
export type { UsedKernels } from './engine/forward.js';
export type { Compute, KernelName, OnProgress, SpeedOptions, Stage } from './engine/options.js';
export type { OutputTensors } from './engine/outputs.js';
export { CellcheckError, type ErrorCode, type ErrorParts } from './errors.js';
export type { PlaceOptions } from './files/case-file.js';
export { type FoundCase, findCases } from './files/find-cases.js';
export { loadCase } from './files/load.js';
export type { CasePaths, LoadOptions } from './files/load-case.js';
export { readTensors } from './formats/read-tensors.js';
export { forward, type Inputs, type RunOptions } from './forward.js';
export type { ExpectedPart } from './inspect/expected.js';
export type { Dot, GateExplanation, StepExplanation, StepOfUnit } from './inspect/explain.js';
export { type InspectedPart, type Inspection, type InspectOptions, inspect } from './inspect/inspect.js';
export type { Picks, Selected, Selection } from './inspect/selection.js';
export type { Direction, Kind, ModuleName, Nonlinearity, TensorName } from './kinds.js';
export {
  type Case,
  caseOf,
  type ExpectedRole,
  type LayerRole,
  type NamedRole,
  type Role,
} from './module/case.js';
export { type DescribeOptions, describeModule } from './module/describe.js';
export { type Checkpoint, type GateRows, type ListedModule, listModules } from './module/list.js';
export type { Padding } from './module/padding.js';
export type { Module } from './module/parameters.js';
export type { StatedDecimals } from './module/printed.js';
export { causeText } from './report/cause-text.js';
export {
  type DiagnosisResult,
  type FormatOptions,
  formatDiagnosis,
  formatReport,
} from './report/format-report.js';
export { adviceText, noteText, warningText } from './report/remarks-text.js';
export type { ReporterName } from './report/reporters.js';
export type { Dtype, Floats } from './tensor/dtype.js';
export type { Position } from './tensor/reference.js';
export { type StateDict, stateDict } from './tensor/state-dict.js';
export { type Printed, type Tensor, type TensorSpec, tensor } from './tensor/tensor.js';
export type {
  Cause,
  ChangedValue,
  Convention,
  Finding,
  Pattern,
  Searched,
  Whereabouts,
  WrongWeight,
} from './verdict/cause.js';
export type { CoarserProfile } from './verdict/coarser.js';
export type { CaseResult, Comparison, Subject } from './verdict/comparison.js';
export type { Advice, Note, Warning } from './verdict/remarks.js';
export type { VerifyOptions } from './verdict/settings.js';
export { verify } from './verify.js';
