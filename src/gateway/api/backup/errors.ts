import { type AshlarError, failures } from "../../../std/errors.ts";

/** What can be wrong with a backup when it is restored. */
export const BACKUP_ERRORS = {
  BACKUP_MALFORMED: {
    what: "This is no backup of Ashlar, or its beginning is damaged.",
    advice: "Name a file or folder that `ashlar backup create` has written.",
  },
  BACKUP_NEWER: {
    what: "The backup was written by a newer version of Ashlar.",
    advice: "Restore it with that version or a later one.",
  },
  BACKUP_INCOMPLETE: {
    what: "The backup ends before its last file: it was not taken to its end.",
    advice: "Restore from another backup; nothing of this one was taken for good.",
  },
  BACKUP_DAMAGED: {
    what: "A file of the backup is not as it was written.",
    advice: "Restore from another backup; nothing of this one was taken for good.",
  },
  TARGET_NOT_EMPTY: {
    what: "The folder to restore into is not empty.",
    advice: "Name an empty folder, or one that does not exist yet.",
  },
} as const;

export type BackupErrorCode = keyof typeof BACKUP_ERRORS;
export type BackupError = AshlarError<BackupErrorCode>;

export const backupFailure: ReturnType<typeof failures<typeof BACKUP_ERRORS>> = failures(BACKUP_ERRORS);
