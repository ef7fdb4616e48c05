// What concerns more than the values of one frame: variadic arguments.
#include "microjit/interp/cell_access.h"
#include "microjit/passing.h"

namespace bf::microjit::interp {

namespace {

BF_HANDLER(start_va_list) {
  u8* const area = frame + cell->b;
  VaList list = first_unnamed(*state->type);
  list.save_area = area;
  list.stack = get<void*>(area, sizeof(RegisterSaveArea));
  put(get<u8*>(frame, cell->a), 0, list);
  BF_NEXT(cell + 1);
}

static_assert(kVaAreaBytes >= sizeof(RegisterSaveArea) + sizeof(void*));

}  // namespace

Handler* va_start_handler() { return start_va_list; }

}  // namespace bf::microjit::interp
