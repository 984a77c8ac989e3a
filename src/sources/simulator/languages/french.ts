import type { Language } from '../language.ts'

/** What people write in French. */
export const french: Language = {
  space: ' ',
  update: 'Mise à jour après {days} jours :',
  tones: {
    1: {
      titles: ['À fuir', 'En panne au bout d’une semaine'],
      sentences: [
        'Le {product} est arrivé cassé.',
        'Au bout de {days} jours, plus rien ne marche.',
        'Le service après-vente ne répond jamais.',
        'De l’argent jeté par la fenêtre.',
      ],
    },
    2: {
      titles: ['Déçue', 'Peut mieux faire'],
      sentences: [
        'La photo est plus belle que l’objet.',
        'Ça marche, mais il faut insister.',
        'Le plastique paraît bien fragile.',
        'Heureusement, la livraison était rapide.',
      ],
    },
    3: {
      titles: ['Correct, sans plus', 'Moyen'],
      sentences: [
        'Ni bon ni mauvais.',
        'Après {days} jours, j’hésite encore.',
        'La taille convient, la couleur un peu moins.',
        'Ça ira pour la maison de campagne.',
      ],
    },
    4: {
      titles: ['Très bon achat', 'Presque parfait'],
      sentences: [
        'Le {product} fait ce qu’on lui demande, sans bruit.',
        'J’enlève une étoile pour la notice.',
        'Facile à nettoyer et peu encombrant.',
        'Ma sœur en veut un aussi.',
      ],
    },
    5: {
      titles: ['Parfait', 'Un vrai coup de cœur', 'Je recommande'],
      sentences: [
        'Utilisé chaque jour depuis {days} jours, toujours comme neuf.',
        'Le {product} est encore plus joli en vrai.',
        'Prêt en deux minutes, même pour moi.',
        'Toute la famille l’a adopté.',
        'À ce prix-là, il ne faut pas hésiter.',
      ],
    },
  },
}
