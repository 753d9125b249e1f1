// The log hook: where every message of the library ends up.
#include <stdarg.h>
#include <stdio.h>

#include "tensorflow/lite/minimal_logging.h"
#define TFPORT_DEFINE_HOOKS
#include "tensorflow/lite/tfport_hooks.h"
#include "tfport/tfport.h"

namespace {

void WriteToStderr(void*, TfPortLogSeverity severity, const char* message) {
  static const char* const kNames[] = {"VERBOSE", "INFO", "WARNING", "ERROR"};
  fprintf(stderr, "%s: %s\n", kNames[severity], message);
}

TfPortLogHandler g_handler = WriteToStderr;
void* g_context = nullptr;

}  // namespace

extern "C" {

void tfport_log(int severity, const char* format, va_list arguments) {
  char message[1024];
  int length = vsnprintf(message, sizeof(message), format, arguments);
  if (length < 0) return;
  if (length >= static_cast<int>(sizeof(message))) length = sizeof(message) - 1;
  while (length > 0 && message[length - 1] == '\n') message[--length] = '\0';
  if (severity < kTfPortLogVerbose) severity = kTfPortLogVerbose;
  if (severity > kTfPortLogError) severity = kTfPortLogError;
  g_handler(g_context, static_cast<TfPortLogSeverity>(severity), message);
}

void TfPortSetLogHandler(TfPortLogHandler handler, void* context) {
  g_handler = handler != nullptr ? handler : WriteToStderr;
  g_context = handler != nullptr ? context : nullptr;
}

void TfPortSetMinimumLogSeverity(TfPortLogSeverity severity) {
  tflite::logging_internal::MinimalLogger::SetMinimumLogSeverity(
      static_cast<tflite::LogSeverity>(severity));
}

}  // extern "C"
