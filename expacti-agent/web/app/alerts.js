// What is told to somebody who looks elsewhere: the title, the icon in the tab, and by choice a sound and a note of the
// system. What an agent wrote stays out of the latter: it would stand there without its marks.

export const choices = {
  read(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  write(name, value) {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, value);
    } catch {
      // Then it holds for this page alone.
    }
  },
};

let drawn = "";

// The counts in the title and in the tab's icon.
export function badgeTab(page, { count, critical }) {
  const mark = critical > 0 ? `(${count}!) ` : count > 0 ? `(${count}) ` : "";
  document.title = `${mark}${page} · expacti`;
  const state = `${count}/${critical}`;
  if (state === drawn) return;
  drawn = state;
  const icon = document.querySelector("link[rel=icon]");
  icon.type = count > 0 ? "image/png" : "image/svg+xml";
  icon.href = count > 0 ? picture(count, critical > 0) : "/console/icon.svg";
}

function picture(count, isCritical) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext("2d");
  pen.fillStyle = isCritical ? "#b3261e" : "#1f4e5f";
  pen.beginPath();
  pen.roundRect(0, 0, 64, 64, 16);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const text = count > 99 ? "99" : String(count);
  pen.font = `bold ${text.length > 1 ? 38 : 46}px sans-serif`;
  pen.fillText(text, 32, 35);
  return canvas.toDataURL();
}

let lastSound = 0;

// Somebody has to look: a card has appeared.
export function alert(card) {
  const isCritical = card.level === "CRITICAL";
  if (choices.read("sound") === "on" && performance.now() - lastSound > 2_000) {
    lastSound = performance.now();
    beep(isCritical);
  }
  if (choices.read("notes") === "on" && document.hidden && Notification.permission === "granted") {
    const note = new Notification(`${card.level} ${card.score}: ${card.agent} waits`, {
      body: card.decided_by,
      tag: "expacti",
      icon: "/console/icon.svg",
    });
    note.onclick = () => {
      window.focus();
      note.close();
    };
  }
}

function beep(isCritical) {
  const audio = new AudioContext();
  const tones = isCritical ? [660, 880, 660] : [520];
  tones.forEach((frequency, index) => {
    const tone = audio.createOscillator(), volume = audio.createGain();
    const at = audio.currentTime + index * 0.16;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.14);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.15);
  });
  setTimeout(() => audio.close(), 1_000);
}

