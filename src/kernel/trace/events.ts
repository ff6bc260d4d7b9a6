/**
 * The tracepoints that this kernel passes, under the names and field names of /sys/kernel/tracing/events of Linux 6.18.
 * An event has six argument columns: where the kernel has more fields, the last or the constant ones are left out
 * (a priority of sched_switch, a readahead's order, ra_pages and mmap_miss; of the many of mm_vmscan_lru_shrink_inactive six), and
 * so are pointers to struct page and folio, which the frame number says too.
 *
 * One line is one tracepoint, its number the line's: `system:name field:type ...`, where a type is x (a number that is
 * printed in hexadecimal), d (in decimal) or s (a string, see EventLog.intern).
 */
export const EVENT_LINES = `
exceptions:page_fault_user address:x ip:x error_code:x
exceptions:page_fault_kernel address:x ip:x error_code:x
kmem:mm_page_alloc pfn:x order:d gfp_flags:x migratetype:d
kmem:mm_page_free pfn:x order:d
kmem:rss_stat mm_id:d curr:d member:d size:d
filemap:mm_filemap_fault i_ino:d s_dev:d index:d
filemap:mm_filemap_map_pages i_ino:d s_dev:d index:d last_index:d
filemap:mm_filemap_add_to_page_cache pfn:x i_ino:d index:d s_dev:d order:d
filemap:mm_filemap_delete_from_page_cache pfn:x i_ino:d index:d s_dev:d order:d
readahead:page_cache_ra_unbounded i_ino:d s_dev:d index:d nr_to_read:d lookahead_size:d
readahead:page_cache_ra_order i_ino:d s_dev:d index:d order:d size:d async_size:d
readahead:page_cache_sync_ra i_ino:d s_dev:d index:d size:d async_size:d req_count:d
readahead:page_cache_async_ra i_ino:d s_dev:d index:d size:d async_size:d req_count:d
mmap:exit_mmap mm:d
tlb:tlb_flush reason:d pages:d
task:task_newtask pid:d comm:s clone_flags:x oom_score_adj:d
sched:sched_process_fork parent_comm:s parent_pid:d child_comm:s child_pid:d
sched:sched_process_exec filename:s pid:d old_pid:d
sched:sched_process_exit comm:s pid:d prio:d group_dead:d
sched:sched_switch prev_comm:s prev_pid:d prev_state:d next_comm:s next_pid:d next_prio:d
signal:signal_generate sig:d errno:d code:d comm:s pid:d group:d
writeback:writeback_dirty_folio name:s ino:d index:d
writeback:writeback_start name:s nr_pages:d sync_mode:d for_kupdate:d for_background:d reason:d
writeback:writeback_written name:s nr_pages:d sync_mode:d for_kupdate:d for_background:d reason:d
writeback:writeback_queue_io name:s older:d age:d moved:d reason:d
writeback:writeback_single_inode name:s ino:d dirtied_when:d writeback_index:d nr_to_write:d wrote:d
writeback:writeback_pages_written pages:d
writeback:writeback_wake_background name:s
writeback:global_dirty_state nr_dirty:d background_thresh:d dirty_thresh:d dirty_limit:d nr_dirtied:d nr_written:d
writeback:balance_dirty_pages bdi:s limit:d setpoint:d dirty:d task_ratelimit:d pause:d
oom:oom_score_adj_update pid:d comm:s oom_score_adj:d
oom:reclaim_retry_zone zone_idx:d reclaimable:d available:d min_wmark:d no_progress_loops:d wmark_check:d
oom:mark_victim pid:d comm:s total_vm:d anon_rss:d file_rss:d shmem_rss:d
oom:wake_reaper pid:d
oom:start_task_reaping pid:d
oom:finish_task_reaping pid:d
oom:skip_task_reaping pid:d
filemap:mm_filemap_get_pages i_ino:d s_dev:d index:d last_index:d
vmscan:mm_vmscan_wakeup_kswapd nid:d zid:d order:d gfp_flags:x
vmscan:mm_vmscan_kswapd_wake nid:d zid:d order:d
vmscan:mm_vmscan_kswapd_sleep nid:d
vmscan:mm_vmscan_direct_reclaim_begin order:d gfp_flags:x
vmscan:mm_vmscan_direct_reclaim_end nr_reclaimed:d
vmscan:mm_vmscan_memcg_reclaim_begin order:d gfp_flags:x
vmscan:mm_vmscan_memcg_reclaim_end nr_reclaimed:d
vmscan:mm_vmscan_lru_isolate highest_zoneidx:d nr_requested:d nr_scanned:d nr_skipped:d nr_taken:d lru:d
vmscan:mm_vmscan_lru_shrink_inactive nr_scanned:d nr_reclaimed:d nr_dirty:d nr_writeback:d nr_ref_keep:d priority:d
vmscan:mm_vmscan_lru_shrink_active nr_taken:d nr_active:d nr_deactivated:d nr_referenced:d priority:d reclaim_flags:d
vmscan:mm_vmscan_write_folio pfn:x reclaim_flags:d
vmscan:mm_vmscan_throttled nid:d usec_timeout:d usec_delayed:d reason:d
vmscan:mm_vmscan_reclaim_pages nid:d nr_scanned:d nr_reclaimed:d nr_dirty:d nr_writeback:d nr_ref_keep:d
`;

export const EXCEPTIONS_PAGE_FAULT_USER = 0;
export const EXCEPTIONS_PAGE_FAULT_KERNEL = 1;
export const KMEM_MM_PAGE_ALLOC = 2;
export const KMEM_MM_PAGE_FREE = 3;
export const KMEM_RSS_STAT = 4;
export const FILEMAP_MM_FILEMAP_FAULT = 5;
export const FILEMAP_MM_FILEMAP_MAP_PAGES = 6;
export const FILEMAP_MM_FILEMAP_ADD_TO_PAGE_CACHE = 7;
export const FILEMAP_MM_FILEMAP_DELETE_FROM_PAGE_CACHE = 8;
export const READAHEAD_PAGE_CACHE_RA_UNBOUNDED = 9;
export const READAHEAD_PAGE_CACHE_RA_ORDER = 10;
export const READAHEAD_PAGE_CACHE_SYNC_RA = 11;
export const READAHEAD_PAGE_CACHE_ASYNC_RA = 12;
export const MMAP_EXIT_MMAP = 13;
export const TLB_TLB_FLUSH = 14;
export const TASK_TASK_NEWTASK = 15;
export const SCHED_SCHED_PROCESS_FORK = 16;
export const SCHED_SCHED_PROCESS_EXEC = 17;
export const SCHED_SCHED_PROCESS_EXIT = 18;
export const SCHED_SCHED_SWITCH = 19;
export const SIGNAL_SIGNAL_GENERATE = 20;
export const WRITEBACK_WRITEBACK_DIRTY_FOLIO = 21;
export const WRITEBACK_WRITEBACK_START = 22;
export const WRITEBACK_WRITEBACK_WRITTEN = 23;
export const WRITEBACK_WRITEBACK_QUEUE_IO = 24;
export const WRITEBACK_WRITEBACK_SINGLE_INODE = 25;
export const WRITEBACK_WRITEBACK_PAGES_WRITTEN = 26;
export const WRITEBACK_WRITEBACK_WAKE_BACKGROUND = 27;
export const WRITEBACK_GLOBAL_DIRTY_STATE = 28;
export const WRITEBACK_BALANCE_DIRTY_PAGES = 29;
export const OOM_OOM_SCORE_ADJ_UPDATE = 30;
export const OOM_RECLAIM_RETRY_ZONE = 31;
export const OOM_MARK_VICTIM = 32;
export const OOM_WAKE_REAPER = 33;
export const OOM_START_TASK_REAPING = 34;
export const OOM_FINISH_TASK_REAPING = 35;
export const OOM_SKIP_TASK_REAPING = 36;
export const FILEMAP_MM_FILEMAP_GET_PAGES = 37;
export const VMSCAN_MM_VMSCAN_WAKEUP_KSWAPD = 38;
export const VMSCAN_MM_VMSCAN_KSWAPD_WAKE = 39;
export const VMSCAN_MM_VMSCAN_KSWAPD_SLEEP = 40;
export const VMSCAN_MM_VMSCAN_DIRECT_RECLAIM_BEGIN = 41;
export const VMSCAN_MM_VMSCAN_DIRECT_RECLAIM_END = 42;
export const VMSCAN_MM_VMSCAN_MEMCG_RECLAIM_BEGIN = 43;
export const VMSCAN_MM_VMSCAN_MEMCG_RECLAIM_END = 44;
export const VMSCAN_MM_VMSCAN_LRU_ISOLATE = 45;
export const VMSCAN_MM_VMSCAN_LRU_SHRINK_INACTIVE = 46;
export const VMSCAN_MM_VMSCAN_LRU_SHRINK_ACTIVE = 47;
export const VMSCAN_MM_VMSCAN_WRITE_FOLIO = 48;
export const VMSCAN_MM_VMSCAN_THROTTLED = 49;
export const VMSCAN_MM_VMSCAN_RECLAIM_PAGES = 50;

/** The reasons of tlb:tlb_flush (enum tlb_flush_reason). */
export const TLB_FLUSH_ON_TASK_SWITCH = 0;
export const TLB_REMOTE_SHOOTDOWN = 1;
export const TLB_LOCAL_SHOOTDOWN = 2;
export const TLB_LOCAL_MM_SHOOTDOWN = 3;
