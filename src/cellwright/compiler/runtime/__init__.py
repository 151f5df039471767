"""Machine code in memory, its cache on disk, and the threads that it runs on."""
