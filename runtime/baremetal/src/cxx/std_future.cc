// What <future> and std::notify_all_at_thread_exit keep in the library: results, and what waits for
// the end of a thread.
#include <condition_variable>
#include <future>
#include <mutex>

namespace std {

__future_base::_Result_base::_Result_base() = default;
__future_base::_Result_base::~_Result_base() = default;

namespace {

// Runs as the destructor of a key, which is after the thread's thread_locals are gone.
void RunList(void* first) {
  for (auto* element = static_cast<__at_thread_exit_elt*>(first); element;) {
    auto* next = element->_M_next;
    element->_M_cb(element);
    element = next;
  }
}

pthread_key_t Key() {
  static const pthread_key_t key = [] {
    pthread_key_t made;
    if (pthread_key_create(&made, RunList)) __throw_system_error(EAGAIN);
    return made;
  }();
  return key;
}

void AtThreadExit(__at_thread_exit_elt* element) {
  element->_M_next = static_cast<__at_thread_exit_elt*>(pthread_getspecific(Key()));
  pthread_setspecific(Key(), element);
}

struct Notifier final : __at_thread_exit_elt {
  Notifier(condition_variable& waiters, unique_lock<mutex>& lock)
      : condition(&waiters), held(lock.release()) {
    _M_cb = [](void* self) {
      auto* notifier = static_cast<Notifier*>(self);
      notifier->held->unlock();
      notifier->condition->notify_all();
      delete notifier;
    };
  }

  condition_variable* condition;
  mutex* held;
};

}  // namespace

void notify_all_at_thread_exit(condition_variable& condition, unique_lock<mutex> lock) {
  AtThreadExit(new Notifier(condition, lock));
}

void __future_base::_State_baseV2::_Make_ready::_S_run(void* self) {
  unique_ptr<_Make_ready> ready(static_cast<_Make_ready*>(self));
  if (auto state = ready->_M_shared_state.lock())
    state->_M_status._M_store_notify_all(_Status::__ready, memory_order_release);
}

void __future_base::_State_baseV2::_Make_ready::_M_set() {
  _M_cb = &_Make_ready::_S_run;
  AtThreadExit(this);
}

}  // namespace std
