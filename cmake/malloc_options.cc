// jemalloc reads its options here before main() begins (jemalloc(3), "TUNING"). What is freed goes
// back to the system soon: it counts against --memory until then. Few arenas, since what one has
// free no other can use.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4";
}
