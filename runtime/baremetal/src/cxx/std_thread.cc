// The parts of <thread>, <mutex> and <condition_variable> that libstdc++ keeps in its library and
// that a library built for one thread does not have.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "tfport/baremetal.h"

namespace std {

thread::_State::~_State() = default;

static void* RunState(void* argument) {
  thread::_State_ptr state(static_cast<thread::_State*>(argument));
  state->_M_run();
  return nullptr;
}

void thread::_M_start_thread(_State_ptr state, void (*)()) {
  if (int error = pthread_create(&_M_id._M_thread, nullptr, RunState, state.get()))
    __throw_system_error(error);
  state.release();
}

void thread::join() {
  int error = joinable() ? pthread_join(_M_id._M_thread, nullptr) : EINVAL;
  if (error) __throw_system_error(error);
  _M_id = id();
}

void thread::detach() {
  int error = joinable() ? pthread_detach(_M_id._M_thread) : EINVAL;
  if (error) __throw_system_error(error);
  _M_id = id();
}

unsigned thread::hardware_concurrency() noexcept { return tfport_bm_cores(); }

condition_variable::condition_variable() noexcept = default;
condition_variable::~condition_variable() noexcept = default;
void condition_variable::wait(unique_lock<mutex>& lock) { _M_cond.wait(*lock.mutex()); }
void condition_variable::notify_one() noexcept { _M_cond.notify_one(); }
void condition_variable::notify_all() noexcept { _M_cond.notify_all(); }

__thread void* __once_callable;
__thread void (*__once_call)();

extern "C" void __once_proxy() { __once_call(); }

}  // namespace std
