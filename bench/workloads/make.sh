# `make -j2` of zlib's library, after its own short `configure`
cp -r /opt/materials/sources/zlib . && cd zlib
./configure --static
make -s -j2 libz.a
