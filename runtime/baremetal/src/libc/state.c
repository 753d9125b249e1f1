/* newlib keeps its state for one thread behind _impure_ptr. Each core has its own copy of that
 * pointer, which the scheduler points to the thread that the core runs; so errno, conversions and
 * the standard streams belong to a thread, without newlib knowing.
 *
 * The boot state is that of no thread: constructors run with it, and what std::cout remembers as
 * stdout is its stream, shared by all threads (see streams.c).
 */
#include <reent.h>

#include "../threads/thread.h"

static struct _reent boot_state = _REENT_INIT(boot_state);

CORE_LOCAL struct _reent* _impure_ptr = &boot_state;
struct _reent* const _global_impure_ptr = &boot_state;
