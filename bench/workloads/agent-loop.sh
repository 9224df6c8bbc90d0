# 8 times `bash -lc` with ls, grep, sed, find and git in a small repository
git init -q . && cp /opt/expacti/programs/*.c . && git add . && git commit -q -m first
for i in 1 2 3 4 5 6 7 8; do
    bash -lc 'ls | head -5; grep -n main *.c | wc -l; sed -n 1,5p spawn.c; find . -name "*.c" | wc -l; git status --short; git log --oneline | head -3'
done
