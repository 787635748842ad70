"""Questions about tables of any library, answered inside the kernel; sent there as one module."""
