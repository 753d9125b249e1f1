/* Builds the page tables. Runs before the MMU and .bss are there.
 *
 * Text and constants are read-only, only text can be executed, guard pages and address zero fault.
 * Each core has a first-level table of its own, because one page, .core_local, is a different one
 * on each: newlib keeps a thread's state behind a global pointer, which thus can differ by core.
 */
#include "../board_map.h"

#define SECTION_SIZE 0x100000u

/* Short descriptors, TEX remap and access flag off. */
#define SECTION_NORMAL 0x0001140eu /* shareable, write-back, privileged read and write */
#define SECTION_DEVICE 0x00000406u
#define SECTION_XN 0x10u
#define PAGE_NORMAL 0x045eu
#define PAGE_READ_ONLY 0x200u
#define PAGE_XN 0x1u
#define TABLE 0x1u

struct region {
  uint32_t base, size;
};

static uint32_t page_of(uint32_t address) {
  if (address < PAGE_SIZE) return 0; /* the null page, where RAM begins at zero */
  uint32_t text = (uint32_t)tfport_bm_text_begin, rodata = (uint32_t)tfport_bm_rodata_begin;
  uint32_t data = (uint32_t)tfport_bm_data_begin;
  uint32_t page = address | PAGE_NORMAL | PAGE_XN;
  if (address >= text && address < rodata) page = address | PAGE_NORMAL | PAGE_READ_ONLY;
  if (address >= rodata && address < data) page |= PAGE_READ_ONLY;
  return page;
}

static uint32_t (*new_table(uint32_t* used))[256] { return &tfport_bm_second_level[(*used)++]; }

static void map_pages(uint32_t* first_level, uint32_t section, uint32_t* used) {
  uint32_t(*table)[256] = new_table(used);
  for (uint32_t i = 0; i < 256; i++) (*table)[i] = page_of(section + i * PAGE_SIZE);
  first_level[section / SECTION_SIZE] = (uint32_t)table | TABLE;
}

static uint32_t* page_entry(uint32_t* first_level, uint32_t address) {
  uint32_t* table = (uint32_t*)(first_level[address / SECTION_SIZE] & ~0x3ffu);
  return &table[address / PAGE_SIZE % 256];
}

static void guard(uint32_t* first_level, const char* stacks, uint32_t size, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    *page_entry(first_level, (uint32_t)stacks + i * (GUARD_SIZE + size)) = 0;
}

/* Gives the other cores what core 0 has, with a page of their own for .core_local. */
static void copy_for_core(uint32_t core, uint32_t* used) {
  uint32_t address = (uint32_t)tfport_bm_core_local;
  uint32_t* mine = tfport_bm_first_level[core];
  for (uint32_t i = 0; i < FIRST_LEVEL_SIZE / 4; i++) mine[i] = tfport_bm_first_level[0][i];
  uint32_t(*table)[256] = new_table(used);
  const uint32_t* theirs = page_entry(mine, address & ~(SECTION_SIZE - 1));
  for (uint32_t i = 0; i < 256; i++) (*table)[i] = theirs[i];
  mine[address / SECTION_SIZE] = (uint32_t)table | TABLE;
  *page_entry(mine, address) =
      ((uint32_t)tfport_bm_core_pages + core * PAGE_SIZE) | PAGE_NORMAL | PAGE_XN;
}

void tfport_bm_map_memory(void) {
  const struct region devices[] = {BOARD_DEVICES};
  uint32_t* table = tfport_bm_first_level[0];
  uint32_t used = 0;
  for (uint32_t i = 0; i < FIRST_LEVEL_SIZE / 4; i++) table[i] = 0;
  for (uint32_t d = 0; d < sizeof devices / sizeof devices[0]; d++)
    for (uint32_t at = 0; at < devices[d].size; at += SECTION_SIZE) {
      uint32_t section = (devices[d].base + at) & ~(SECTION_SIZE - 1);
      table[section / SECTION_SIZE] = section | SECTION_DEVICE | SECTION_XN;
    }
  uint32_t image = (uint32_t)tfport_bm_text_begin & ~(SECTION_SIZE - 1);
  uint32_t image_end = (uint32_t)tfport_bm_image_end;
  for (uint32_t at = 0; at < BOARD_RAM_SIZE; at += SECTION_SIZE) {
    uint32_t section = BOARD_RAM_BASE + at;
    if (section == 0 || (section >= image && section < image_end))
      map_pages(table, section, &used);
    else
      table[section / SECTION_SIZE] = section | SECTION_NORMAL | SECTION_XN;
  }
  guard(table, tfport_bm_stack_main, BOARD_MAIN_STACK_SIZE, 1);
  guard(table, tfport_bm_stack_threads, BOARD_STACK_SIZE, BOARD_THREADS);
  guard(table, tfport_bm_stack_idle, IDLE_STACK_SIZE, BOARD_CORES);
  guard(table, tfport_bm_stack_exceptions, EXCEPTION_STACK_SIZE, BOARD_CORES);
  for (uint32_t core = 1; core < BOARD_CORES; core++) copy_for_core(core, &used);
}
