// How the runner's sessions work, as the messages that TensorFlow's C API takes.
#ifndef TFPORT_RUNNER_SESSION_OPTIONS_H_
#define TFPORT_RUNNER_SESSION_OPTIONS_H_

#include <string>

namespace runner {

// A ConfigProto: one op at a time, on `threads` threads, of the graph as it is.
std::string SessionConfigBytes(int threads);

// RunOptions: the ops run on the thread that asks for the inference, not on one that it wakes and
// then waits for.
std::string RunOptionsBytes();

}  // namespace runner

#endif  // TFPORT_RUNNER_SESSION_OPTIONS_H_
