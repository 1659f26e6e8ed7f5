import { NotifyError } from "./errors.js";

// MQTT 3.1.1 §4.7; names that begin with $ are the service's own.
const filter = /^(?!\$)(?:(?:\+|[^+#/\u0000-\u001f\u007f-\u009f]*)\/)*(?:#|\+|[^+#/\u0000-\u001f\u007f-\u009f]*)$/;

/** Refuses bad filters where they are given: one that is remembered without a connection would make every later Resume fail. */
export function checked(topics: readonly string[]): readonly string[] {
  for (const topic of topics)
    if (!topic || !filter.test(topic) || new TextEncoder().encode(topic).length > 512)
      throw new NotifyError("permanent", "invalid_filter",
        `'${topic}' is no topic filter: '+' stands for one whole segment, '#' comes last, and a leading '$' is the service's own.`);
  return topics;
}
