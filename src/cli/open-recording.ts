import { openRecording } from '../host/recording-file.ts';
import { RecordingError } from '../program/recording/format.ts';
import { unreadable } from './read-input.ts';
import { UserError } from './user-error.ts';

/** Opens the recording that the user named. @throws {UserError} why it cannot be used */
export function openNamedRecording(path: string): ReturnType<typeof openRecording> {
  try {
    return openRecording(path);
  } catch (error) {
    if (error instanceof RecordingError) throw new UserError(`${path}: ${error.message}`);
    throw unreadable(path, error);
  }
}
