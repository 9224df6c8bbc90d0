# `make -j2` of the library of zlib, not optimised, which would take most of the time
cp -r /opt/materials/sources/zlib . && cd zlib
make -s -j2 -f Makefile.in CFLAGS='-O0 -DHAVE_UNISTD_H' libz.a
