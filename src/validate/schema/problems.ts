/** What is wrong with a JSON Schema, before anything is checked by it; whoever only asks this needs no checks. */
import { resolveReferences } from './references.ts';
import { type SchemaProblem, Survey } from './survey.ts';

export interface SurveyedSchema {
  readonly survey: Survey;
  /** Where references lead, by their text. */
  readonly targets: ReadonlyMap<string, unknown>;
}

export function surveySchema(root: unknown): SurveyedSchema {
  const survey = new Survey(root);
  return { survey, targets: resolveReferences(survey) };
}

/** Whether some text may keep it busy for ages: such a schema is not for an event loop. */
export function hasRiskyPattern(root: unknown): boolean {
  return surveySchema(root).survey.hasRiskyPattern;
}

/** Without errors among them the schema can be compiled. */
export function findSchemaProblems(root: unknown): readonly SchemaProblem[] {
  return surveySchema(root).survey.problems;
}
