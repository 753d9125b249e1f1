// The log hook: where every message of the library ends up.
#include <tfport/core.h>

#include <string>
#include <vector>

#include "tensorflow/tsl/platform/logging.h"

namespace {

class Sink : public tsl::TFLogSink {
 public:
  void Send(const tsl::TFLogEntry& entry) override {
    int severity = static_cast<int>(entry.log_severity());
    if (severity < kTfPortCoreLogInfo) severity = kTfPortCoreLogInfo;
    if (severity > kTfPortCoreLogFatal) severity = kTfPortCoreLogFatal;
    const std::string message = entry.ToString();
    handler(context, static_cast<TfPortCoreLogSeverity>(severity), message.c_str());
  }
  void WaitTillSent() override {}

  TfPortCoreLogHandler handler = nullptr;
  void* context = nullptr;
};

}  // namespace

extern "C" void TfPortCoreSetLogHandler(TfPortCoreLogHandler handler, void* context) {
  // Never destroyed: threads of TensorFlow may log to the end.
  static Sink* const ours = new Sink;
  static const std::vector<tsl::TFLogSink*>* const theirs =
      new std::vector<tsl::TFLogSink*>(tsl::TFGetLogSinks());
  tsl::TFRemoveLogSink(ours);
  for (tsl::TFLogSink* sink : *theirs) tsl::TFRemoveLogSink(sink);
  if (handler == nullptr) {
    for (tsl::TFLogSink* sink : *theirs) tsl::TFAddLogSink(sink);
    return;
  }
  ours->handler = handler;
  ours->context = context;
  tsl::TFAddLogSink(ours);
}
