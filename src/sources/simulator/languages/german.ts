import type { Language } from '../language.ts'

/** What people write in German. */
export const german: Language = {
  space: ' ',
  update: 'Nachtrag nach {days} Tagen:',
  tones: {
    1: {
      titles: ['Finger weg', 'Nach einer Woche kaputt', 'Rausgeworfenes Geld'],
      sentences: [
        'Der {product} kam schon beschädigt an.',
        'Nach {days} Tagen war Schluss, der Kundendienst schweigt.',
        'So etwas dürfte man gar nicht verkaufen.',
        'Die Anleitung beschreibt ein anderes Gerät.',
      ],
    },
    2: {
      titles: ['Enttäuschend', 'Mehr erwartet'],
      sentences: [
        'Für den Preis hätte ich mehr erwartet.',
        'Das Gehäuse wirkt billig und klappert.',
        'Es funktioniert, aber Freude macht es keine.',
        'Immerhin war die Lieferung schnell.',
      ],
    },
    3: {
      titles: ['Geht so', 'Durchschnitt'],
      sentences: [
        'Nicht schlecht, aber auch nicht gut.',
        'Nach {days} Tagen bin ich noch unentschlossen.',
        'Die Größe passt, die Farbe weniger.',
        'Für das Gästezimmer reicht es.',
      ],
    },
    4: {
      titles: ['Gutes Preis-Leistungs-Verhältnis', 'Fast perfekt'],
      sentences: [
        'Der {product} tut genau, was er soll.',
        'Ein Stern Abzug für die dünne Hülle.',
        'Schön leise und leicht zu säubern.',
        'Würde ich wieder kaufen, außer in Weiß.',
      ],
    },
    5: {
      titles: ['Rundum zufrieden', 'Einfach großartig', 'Klare Empfehlung'],
      sentences: [
        'Seit {days} Tagen täglich in Gebrauch und noch wie neu.',
        'Der {product} übertrifft alles, was wir vorher hatten.',
        'Auspacken, einschalten, läuft.',
        'Auch meine Schwiegermutter ist begeistert.',
        'Überraschend hübsch für ein so nützliches Ding.',
      ],
    },
  },
}
