// What is odd about a file or a run but no reason to refuse it. A notice is printed where it arises and kept in
// results; what must stop a command is a RefuteError (errors.ts).

export interface Notice {
  severity: 'note' | 'warning';
  code: string;
  message: string;
}
