/* Adds to each block of code the comparisons with the current pages and the counting.

   SPDX-License-Identifier: GPL-2.0-or-later */
#include "pagetrace.h"

/* ------------------------------------------------------------------ small words of IR */

static IRExpr* constant(ULong value) { return IRExpr_Const(IRConst_U64(value)); }

static IRExpr* assign(IRSB* out, IRType type, IRExpr* value)
{
   IRTemp temporary = newIRTemp(out->tyenv, type);
   addStmtToIRSB(out, IRStmt_WrTmp(temporary, value));
   return IRExpr_RdTmp(temporary);
}

static IRExpr* binary(IRSB* out, IROp op, IRExpr* a, IRExpr* b)
{
   return assign(out, op == Iop_CmpLE64U || op == Iop_CmpNE64 || op == Iop_And1 ? Ity_I1 : Ity_I64, IRExpr_Binop(op, a, b));
}

static IRExpr* load64(IRSB* out, IRExpr* address) { return assign(out, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address)); }

static void add_to(IRSB* out, ULong* counter, ULong amount)
{
   IRExpr* sum = binary(out, Iop_Add64, load64(out, constant((Addr)counter)), constant(amount));
   addStmtToIRSB(out, IRStmt_Store(Iend_LE, constant((Addr)counter), sum));
}

static void call_if(IRSB* out, IRExpr* guard, const HChar* name, void* helper, IRExpr* address, UWord description)
{
   IRDirty* call = unsafeIRDirty_0_N(2, name, VG_(fnptr_to_fnentry)(helper), mkIRExprVec_2(address, constant(description)));
   call->guard = guard;
   addStmtToIRSB(out, IRStmt_Dirty(call));
}

/* ------------------------------------------------------------------ what a block of code accesses

   Accesses through one base temporary that follow each other are checked together: one comparison for the range. In exact mode
   no other data access may stand between them, and a store never joins loads, so that runs come out as the program made them (only
   when such a range crosses a page boundary are its two pages told in ascending order). In windowed mode order does not
   matter: any access between two side exits joins, and whatever an earlier range of the block covers needs no check at all. */

typedef struct { IRTemp base; Long offset; } Place;

typedef struct {
   IRTemp base;
   Long   low, high;
   UInt   section;        /* side exits before it */
   Bool   store, checked, several;
} Range;

#define MAX_RANGES   512
#define MAX_ACCESSES 2048
#define RANGE_BYTES  1024
#define ALONE        (-1)

static Place* places;
static UInt   places_room;
static Range  ranges[MAX_RANGES];
static UInt   nranges;
static Int    range_of[MAX_ACCESSES];   /* of the n-th plain access of the block; or ALONE */
static Bool   modifies[MAX_ACCESSES];   /* the n-th plain access is a load that its instruction stores back */

/* Every address as a temporary that cannot be decomposed further, and an offset. */
static void find_places(IRSB* in)
{
   UInt i, n = in->tyenv->types_used;
   if (n > places_room) {
      if (places) VG_(free)(places);
      places_room = 2 * n;
      places = VG_(malloc)("pagetrace.places", places_room * sizeof *places);
   }
   for (i = 0; i < n; i++) places[i] = (Place){ i, 0 };
   for (i = 0; i < in->stmts_used; i++) {
      IRStmt* statement = in->stmts[i];
      IRExpr* value;
      if (statement->tag != Ist_WrTmp) continue;
      value = statement->Ist.WrTmp.data;
      if (value->tag == Iex_RdTmp) places[statement->Ist.WrTmp.tmp] = places[value->Iex.RdTmp.tmp];
      else if (value->tag == Iex_Binop && (value->Iex.Binop.op == Iop_Add64 || value->Iex.Binop.op == Iop_Sub64) &&
               value->Iex.Binop.arg1->tag == Iex_RdTmp && value->Iex.Binop.arg2->tag == Iex_Const) {
         Long  distance = (Long)value->Iex.Binop.arg2->Iex.Const.con->Ico.U64;
         Place place = places[value->Iex.Binop.arg1->Iex.RdTmp.tmp];
         place.offset += value->Iex.Binop.op == Iop_Add64 ? distance : -distance;
         places[statement->Ist.WrTmp.tmp] = place;
      }
   }
}

/* The range that an access joins or starts. `adjacent`: no other data access since the last range's latest. */
static Int join_range(IRExpr* address, UInt bytes, Bool store, UInt section, Bool adjacent)
{
   Place place;
   Int   i;
   if (address->tag != Iex_RdTmp) return ALONE;
   place = places[address->Iex.RdTmp.tmp];
   for (i = (Int)nranges - 1; i >= 0; i--) {
      Range* range = &ranges[i];
      Long   low = place.offset, high = place.offset + bytes;
      Bool   covers = range->base == place.base && low >= range->low && high <= range->high && (range->store || !store);
      if (window_instructions && covers) return i;
      if (range->base == place.base && range->section == section &&
          (window_instructions ? range->store == store : adjacent && (range->store || !store))) {
         if (range->low < low) low = range->low;
         if (range->high > high) high = range->high;
         if (high - low <= RANGE_BYTES) {
            range->low = low;
            range->high = high;
            range->several = True;
            return i;
         }
      }
      if (!window_instructions) break;
   }
   if (nranges == MAX_RANGES) return ALONE;
   ranges[nranges] = (Range){ place.base, place.offset, place.offset + bytes, section, store, False, False };
   return nranges++;
}

static Bool same_atom(const IRExpr* a, const IRExpr* b)
{
   if (a->tag == Iex_RdTmp && b->tag == Iex_RdTmp) return a->Iex.RdTmp.tmp == b->Iex.RdTmp.tmp;
   return a->tag == Iex_Const && b->tag == Iex_Const && a->Iex.Const.con->Ico.U64 == b->Iex.Const.con->Ico.U64;
}

typedef struct { IRExpr* address; UInt bytes; Bool store; } Access;

/* The plain load or store that a statement is, if it is one. */
static Bool plain_access(const IRTypeEnv* types, const IRStmt* statement, Access* access)
{
   if (statement->tag == Ist_WrTmp && statement->Ist.WrTmp.data->tag == Iex_Load) {
      const IRExpr* load = statement->Ist.WrTmp.data;
      *access = (Access){ load->Iex.Load.addr, sizeofIRType(load->Iex.Load.ty), False };
      return True;
   }
   if (statement->tag == Ist_Store) {
      *access = (Access){ statement->Ist.Store.addr, sizeofIRType(typeOfIRExpr(types, statement->Ist.Store.data)), True };
      return True;
   }
   return False;
}

static Bool other_access(const IRStmt* statement)
{
   return statement->tag == Ist_StoreG || statement->tag == Ist_LoadG || statement->tag == Ist_CAS ||
          statement->tag == Ist_LLSC || (statement->tag == Ist_Dirty && statement->Ist.Dirty.details->mFx != Ifx_None);
}

/* An instruction that loads and stores back the same place asks the processor for writing at once (a fault says "write"), so
   its load counts as the beginning of a write run. As lackey, we know it by a store right after a load of the same address. */
static void find_modifying_loads(IRSB* in)
{
   Access access, last = { NULL, 0, False };
   UInt   i, n = 0;
   for (i = 0; i < in->stmts_used && n < MAX_ACCESSES; i++) {
      const IRStmt* statement = in->stmts[i];
      if (statement->tag == Ist_IMark || other_access(statement)) last.address = NULL;
      if (!plain_access(in->tyenv, statement, &access)) continue;
      modifies[n] = False;
      if (access.store && last.address && !last.store && last.bytes == access.bytes && same_atom(last.address, access.address))
         modifies[n - 1] = True;
      last = access;
      n++;
   }
}

static void find_ranges(IRSB* in)
{
   UInt i, n = 0, section = 0;
   Bool adjacent = False;
   Int  last = ALONE;
   find_places(in);
   find_modifying_loads(in);
   nranges = 0;
   for (i = 0; i < in->stmts_used && n < MAX_ACCESSES; i++) {
      const IRStmt* statement = in->stmts[i];
      Access access;
      if (statement->tag == Ist_Exit) section++;
      if (other_access(statement)) adjacent = False;
      if (!plain_access(in->tyenv, statement, &access)) continue;
      last = join_range(access.address, access.bytes, access.store || modifies[n], section, adjacent);
      adjacent = last != ALONE;
      range_of[n++] = last;
   }
}

/* ------------------------------------------------------------------ the checks */

typedef struct {
   IRSB* out;
   UInt  instructions, accesses, stores;   /* since the last side exit */
   UInt  plain;                            /* plain accesses seen in the block */
   Addr  fetch_page;                       /* of the last instruction */
} Work;

#define PLACE_OF(address) (((address) >> 12) & (FILTER_PAGES - 1))

/* The current page of the kind, where the filter keeps it for this address. */
static IRExpr* current_page(IRSB* out, const Addr* current, IRExpr* address)
{
   IRExpr* place;
   if (!window_instructions) return load64(out, constant((Addr)current));
   if (address->tag == Iex_Const) return load64(out, constant((Addr)&current[PLACE_OF(address->Iex.Const.con->Ico.U64)]));
   /* (address >> 12) % FILTER_PAGES entries of eight bytes. */
   place = assign(out, Ity_I64, IRExpr_Binop(Iop_Shr64, address, IRExpr_Const(IRConst_U8(9))));
   place = binary(out, Iop_And64, place, constant((FILTER_PAGES - 1) << 3));
   return load64(out, binary(out, Iop_Add64, place, constant((Addr)current)));
}

/* Calls the helper unless [address, address + bytes) lies in the current page: address - page > PAGE_BYTES - bytes, unsigned. */
static void check_data(Work* work, Bool store, IRExpr* address, UInt bytes, Bool several, IRExpr* guard)
{
   IRSB*   out = work->out;
   IRExpr* current = current_page(out, store ? write_pages : read_pages, address);
   IRExpr* distance = binary(out, Iop_Sub64, address, current);
   IRExpr* miss = binary(out, Iop_CmpLE64U, constant(PAGE_BYTES + 1 - bytes), distance);
   if (guard) miss = binary(out, Iop_And1, miss, guard);
   call_if(out, miss, store ? "on_store" : "on_load", store ? (void*)on_store : (void*)on_load, address,
           DESCRIBE(bytes, several, work->instructions, work->accesses));
}

static void count_access(Work* work, Bool store)
{
   work->accesses++;
   if (store) work->stores++;
}

static void plain_data(Work* work, const Access* access)
{
   UInt    n = work->plain++;
   Bool    modify = n < MAX_ACCESSES && modifies[n];
   Range*  range;
   IRExpr* start = access->address;

   count_access(work, access->store);
   if (n >= MAX_ACCESSES || range_of[n] == ALONE) {
      check_data(work, access->store || modify, start, access->bytes, False, NULL);
      return;
   }
   range = &ranges[range_of[n]];
   if (range->checked) return;
   range->checked = True;
   if (places[start->Iex.RdTmp.tmp].offset != range->low)
      start = binary(work->out, Iop_Add64, IRExpr_RdTmp(range->base), constant((ULong)range->low));
   check_data(work, range->store, start, (UInt)(range->high - range->low), range->several, NULL);
}

typedef enum { LOADS, STORES, LOADS_AND_STORES } Does;

/* The check comes before the second access of one that loads and stores: it describes the first. */
static void other_data(Work* work, Does does, IRExpr* address, UInt bytes, IRExpr* guard)
{
   count_access(work, does != LOADS);
   check_data(work, does != LOADS, address, bytes, False, guard);
   if (does == LOADS_AND_STORES) work->accesses++;
}

static void fetch(Work* work, Addr address)
{
   Addr    page = PAGE_BASE(address);
   IRExpr *current, *miss;
   if (page == work->fetch_page) return;
   work->fetch_page = page;
   current = load64(work->out, constant((Addr)&fetch_pages[window_instructions ? PLACE_OF(page) : 0]));
   miss = binary(work->out, Iop_CmpNE64, current, constant(page));
   call_if(work->out, miss, "on_fetch", (void*)on_fetch, constant(address), DESCRIBE(1, 0, work->instructions, work->accesses));
}

static void instruction(Work* work, const IRStmt* mark)
{
   fetch(work, mark->Ist.IMark.addr);
   if (mark->Ist.IMark.len > 1) fetch(work, mark->Ist.IMark.addr + mark->Ist.IMark.len - 1);
   work->instructions++;
}

static void count(Work* work)
{
   if (work->instructions || work->accesses) add_to(work->out, &progress, PROGRESS(work->instructions, work->accesses));
   if (work->stores) add_to(work->out, &stores_done, work->stores);
   work->instructions = work->accesses = work->stores = 0;
}

static void access_of(Work* work, const IRTypeEnv* types, const IRStmt* statement)
{
   Access plain;
   if (plain_access(types, statement, &plain)) {
      plain_data(work, &plain);
      return;
   }
   switch (statement->tag) {
   case Ist_StoreG: {
      const IRStoreG* store = statement->Ist.StoreG.details;
      other_data(work, STORES, store->addr, sizeofIRType(typeOfIRExpr(types, store->data)), store->guard);
      break;
   }
   case Ist_LoadG: {
      const IRLoadG* load = statement->Ist.LoadG.details;
      IRType result = Ity_INVALID, loaded = Ity_INVALID;
      typeOfIRLoadGOp(load->cvt, &result, &loaded);
      other_data(work, LOADS, load->addr, sizeofIRType(loaded), load->guard);
      break;
   }
   case Ist_CAS: {
      const IRCAS* cas = statement->Ist.CAS.details;
      UInt bytes = sizeofIRType(typeOfIRExpr(types, cas->dataLo));
      other_data(work, LOADS_AND_STORES, cas->addr, cas->dataHi ? 2 * bytes : bytes, NULL);
      break;
   }
   case Ist_LLSC: {
      const IRExpr* stored = statement->Ist.LLSC.storedata;
      IRType type = stored ? typeOfIRExpr(types, stored) : typeOfIRTemp(types, statement->Ist.LLSC.result);
      other_data(work, stored ? STORES : LOADS, statement->Ist.LLSC.addr, sizeofIRType(type), NULL);
      break;
   }
   case Ist_Dirty: {
      const IRDirty* call = statement->Ist.Dirty.details;
      UInt bytes = call->mSize > MAX_BYTES ? MAX_BYTES : call->mSize;
      Does does = call->mFx == Ifx_Read ? LOADS : call->mFx == Ifx_Write ? STORES : LOADS_AND_STORES;
      if (call->mFx == Ifx_None) break;
      other_data(work, does, call->mAddr, bytes, call->guard->tag == Iex_Const ? NULL : call->guard);
      break;
   }
   default:
      break;
   }
}

IRSB* instrument(VgCallbackClosure* closure, IRSB* in, const VexGuestLayout* layout, const VexGuestExtents* extents,
                 const VexArchInfo* arch, IRType guest_word, IRType host_word)
{
   Work work = { NULL, 0, 0, 0, 0, NO_PAGE };
   Int  i;

   if (is_valgrinds_own(closure->nraddr)) return in;
   work.out = deepCopyIRSBExceptStmts(in);
   find_ranges(in);
   for (i = 0; i < in->stmts_used; i++) {
      IRStmt* statement = in->stmts[i];
      if (statement->tag == Ist_NoOp) continue;
      if (statement->tag == Ist_IMark) instruction(&work, statement);
      if (statement->tag == Ist_Exit) count(&work);
      access_of(&work, in->tyenv, statement);
      addStmtToIRSB(work.out, statement);
   }
   count(&work);
   return work.out;
}
