# `make -j2` of the library of zlib, with its short `configure` before
cp -r /opt/materials/sources/zlib . && cd zlib
./configure --static
make -s -j2 libz.a
