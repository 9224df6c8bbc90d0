# the `configure` of dash, made by autoconf
cp -r /opt/materials/sources/dash . && cd dash
./configure --quiet
